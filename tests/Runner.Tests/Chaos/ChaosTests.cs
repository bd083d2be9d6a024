using System.Globalization;

namespace ClusterAspire.Runner.Tests.Chaos;

/// <summary>
/// Everything at once, chosen by a seed. CLUSTERASPIRE_CHAOS_SECONDS makes it longer, CLUSTERASPIRE_CHAOS_SEED chooses another
/// schedule; the seed is printed.
/// </summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private const int DefaultSeed = 20261128;
    private const int DefaultSeconds = 10;
    private const int Replicas = 3;

    // Alone: what does not answer for two seconds counts as hung here.
    [Fact(DisableParallelization = true)]
    public async Task Whatever_happens_safe_requests_are_answered_and_others_are_executed_once_at_most()
    {
        var seed = Setting("CLUSTERASPIRE_CHAOS_SEED", DefaultSeed);
        output.WriteLine($"seed {seed}");
        var ledger = Directory.CreateTempSubdirectory("clusteraspire-ledger-").FullName;
        try
        {
            var collector = FreePort.Next();
            // The disk that its output goes to is full.
            await using var cluster = Cluster.BeginWithin(
                ["sh", "-c", "exec \"$@\" > /dev/full", "sh"],
                new ProcessesUnderTest(),
                Replicas,
                ["--service", Path.Combine(AppContext.BaseDirectory, "ClusterAspire.LedgerService.dll"), "--liveness-timeout", "2"],
                ("Ledger", ledger), ("LoadBalancer__RetryLimit", "2"), ("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{collector}"), ("Logging__LogLevel__Microsoft.AspNetCore", "Information"));
            await cluster.ServesAsync(Replicas);

            using var disturbances = new Disturbances(cluster, collector, new Random(seed));
            var load = new Load(cluster.Url, disturbances);
            using (var end = new CancellationTokenSource())
            {
                var running = load.RunAsync(end.Token);
                try
                {
                    await disturbances.RunAsync(TimeSpan.FromSeconds(Setting("CLUSTERASPIRE_CHAOS_SECONDS", DefaultSeconds)));
                    await cluster.ServesAsync(Replicas);
                }
                finally
                {
                    await end.CancelAsync();
                    await Eventually.InTimeAsync(running);
                }
            }

            output.WriteLine(string.Join("; ", disturbances.Happened));
            output.WriteLine($"{load.Answered} answers, {load.Payments.Count} payments, {load.Paid.Count} of them answered");
            Assert.True(load.Failures.Count == 0, string.Join(Environment.NewLine, load.Failures));

            var executed = Directory.GetFiles(ledger).Select(file => Path.GetFileName(file).Split('.')[0]).ToLookup(id => id);
            Assert.Empty(executed.Where(id => id.Count() > 1).Select(id => id.Key));
            Assert.Empty(load.Paid.Except(executed.Select(id => id.Key)));
            Assert.Empty(executed.Select(id => id.Key).Except(load.Payments));

            var children = Unix.Descendants(cluster.Runner.Pid);
            cluster.Runner.Signal(Unix.SigTerm);
            Assert.Equal(0, await cluster.Runner.ExitAsync());
            Assert.DoesNotContain(children, TestProcess.IsRunning);
        }
        finally
        {
            Directory.Delete(ledger, recursive: true);
        }
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var given) ? given : otherwise;
}
