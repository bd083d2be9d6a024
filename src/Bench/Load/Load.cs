using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;

namespace ClusterAspire.Bench;

/// <summary>Runs the load generator in a process of its own, so that measuring disturbs neither servers nor Bench.</summary>
internal static class Load
{
    /// <summary>The argument that makes Bench the load generator: plan on standard input, report on standard output.</summary>
    public const string Command = "load";

    /// <summary>Puts the load on and gives back what became of it.</summary>
    /// <exception cref="BenchException">The load generator failed.</exception>
    public static async Task<LoadReport> RunAsync(LoadPlan plan, CancellationToken cancellationToken)
    {
        var result = await Tool.Wrap(ProgramPath.Bench, [Command])
            .WithEnvironmentVariables(variables => variables
                // Responses are timed on the thread that receives them, and there is no background garbage collection.
                .Set("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1")
                // A spinning thread would take CPU time from the servers.
                .Set("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0")
                .Set("DOTNET_gcServer", "0")
                .Set("DOTNET_gcConcurrent", "0")
                .Set("DOTNET_TieredPGO", "0"))
            .WithStandardInputPipe(PipeSource.FromString(JsonSerializer.Serialize(plan)))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellationToken);

        return result.IsSuccess && JsonSerializer.Deserialize<LoadReport>(result.StandardOutput) is { } report
            ? report
            : throw new BenchException($"The load generator failed: {result.StandardError.Trim()}");
    }

    /// <summary>Sends light requests for a while, so that the server is compiled and connected before it is measured.</summary>
    public static Task WarmUpAsync(Uri target, double seconds, CancellationToken cancellationToken) =>
        RunAsync(new LoadPlan(target, 0, seconds, 10, Closed: new ClosedLoad("/fast", 8)), cancellationToken);

    /// <summary>The load generator's process: reads the plan, writes the report.</summary>
    public static async Task<int> ServeAsync(CancellationToken cancellationToken)
    {
        await using var input = Console.OpenStandardInput();
        var plan = await JsonSerializer.DeserializeAsync<LoadPlan>(input, cancellationToken: cancellationToken);
        var report = await LoadGenerator.RunAsync(plan!, cancellationToken);
        await using var output = Console.OpenStandardOutput();
        await JsonSerializer.SerializeAsync(output, report, cancellationToken: cancellationToken);
        return 0;
    }
}
