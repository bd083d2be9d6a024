using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Selection;
using ClusterAspire.Orchestration.Supervision;
using ClusterAspire.Runner.CommandLine;
using ClusterAspire.Runner.Signals;
using ClusterAspire.Runner.Terminal;

namespace ClusterAspire.Runner;

/// <summary>
/// The services of this runner. Each is a cluster of its own, with its load balancer, its supervisor and its commands; they share
/// the machine's cores and ports, the terminal and the signals.
/// </summary>
/// <param name="services">How they are configured.</param>
/// <param name="options">The options of each, <see cref="OptionsOf"/>.</param>
/// <param name="terminal">Shows what happens.</param>
/// <param name="stop">Says when they end.</param>
internal sealed class ServiceRuns(IReadOnlyList<ConfiguredService> services, IReadOnlyList<ClusterOptions> options, IClusterOutput terminal, StopSignals stop)
{
    private readonly List<ClusterRun> _runs = [];

    /// <summary>Reads the options of each.</summary>
    /// <exception cref="ClusterException">Something the user has to change.</exception>
    public static IReadOnlyList<ClusterOptions> OptionsOf(IReadOnlyList<ConfiguredService> services)
    {
        var options = services.Select(Read).ToList();
        if (services.Count > 1)
        {
            EnsureApart(options);
        }

        return options;
    }

    /// <summary>Runs them until each is told to stop. When one cannot run, the others drain.</summary>
    /// <exception cref="ClusterException">Something the user has to change.</exception>
    public async Task RunAsync()
    {
        try
        {
            foreach (var service in services)
            {
                var run = Create(service);
                _runs.Add(run);
                await NamingAsync(service, run.PrepareAsync);
            }

            await Task.WhenAll(services.Zip(_runs, RunAsync));
        }
        finally
        {
            foreach (var run in _runs)
            {
                await run.DisposeAsync();
            }
        }
    }

    /// <summary>Removes the containers that crashed runs of theirs left behind.</summary>
    /// <exception cref="ClusterException">No engine answers.</exception>
    public async Task CleanAsync()
    {
        foreach (var (service, of) in services.Zip(options))
        {
            var selector = new RuntimeSelector(of, BuildOptions.From(service.Read()), Output(service));
            await NamingAsync(service, () => selector.CleanAsync(stop.Drain));
        }
    }

    private ClusterRun Create(ConfiguredService service)
    {
        var number = _runs.Count;
        return new(service, Output(service), stop)
        {
            ReplicasBefore = _runs.Sum(other => other.Replicas),
            IsOfAnother = port => options.Any(other => port == other.Port || port == other.AdminPort) || _runs.Where((_, i) => i != number).Any(other => other.Ports.Contains(port)),
            // Once every service stops, the whole runner stops.
            Stops = () =>
            {
                if (_runs.TrueForAll(run => run.IsStopping))
                {
                    stop.Begin();
                }
            },
        };
    }

    private IClusterOutput Output(ConfiguredService service) => service.Name is null ? terminal : new NamedOutput(service.Name, terminal);

    private async Task RunAsync(ConfiguredService service, ClusterRun run)
    {
        await using var running = run;
        try
        {
            await NamingAsync(service, run.RunAsync);
        }
        catch
        {
            stop.Begin();
            throw;
        }
    }

    private static ClusterOptions Read(ConfiguredService service)
    {
        try
        {
            var options = ClusterOptions.From(service.Read());
            options.Validate();
            return options;
        }
        catch (ClusterException e)
        {
            throw service.Named(e);
        }
    }

    private static async Task NamingAsync(ConfiguredService service, Func<Task> run)
    {
        try
        {
            await run();
        }
        catch (ClusterException e)
        {
            throw service.Named(e);
        }
    }

    private static void EnsureApart(List<ClusterOptions> services)
    {
        if (services.Exists(service => service.Telemetry is TelemetryKind.Table))
        {
            throw new ClusterException($"--telemetry table shows one service: choose it by {ClusterCommand.NameSwitch}, or leave the table out.");
        }

        var places = services.SelectMany(service => Places(service).Distinct().Select(place => (place, service.Name)));
        foreach (var (place, names) in places.GroupBy(each => each.place, each => each.Name, StringComparer.OrdinalIgnoreCase).Select(place => (place.Key, place.ToList())))
        {
            if (names is [var one, var other, ..])
            {
                throw new ClusterException($"{one} and {other} both listen at {place}: give each service a port, an adminPort and addresses of its own.");
            }
        }
    }

    private static IEnumerable<string> Places(ClusterOptions service) => [$"port {service.Port}", $"port {service.AdminPort}", .. service.Listen];
}
