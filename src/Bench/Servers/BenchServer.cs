namespace ClusterAspire.Bench;

/// <summary>Little servers to compare with; Bench starts itself as one of them.</summary>
internal static class BenchServer
{
    /// <summary>The argument that makes Bench a server.</summary>
    public const string Command = "serve";

    /// <summary>Kestrel and one endpoint: the least a .NET service can cost. Answers any path, so it also swallows telemetry.</summary>
    public const string Kestrel = "kestrel";

    /// <summary>/slow as one would write it first: on the thread pool.</summary>
    public const string ThreadPool = "thread-pool";

    /// <summary>/slow on the compute lane, but busy allocating: what it costs others is garbage collections alone.</summary>
    public const string Allocating = "allocating";

    /// <summary>A replica whose answers have given lengths.</summary>
    public const string Sized = "sized";

    /// <summary>YARP as it comes.</summary>
    public const string Yarp = "yarp";

    /// <summary>Runs a server until it is told to stop.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="url">Where it listens.</param>
    /// <param name="arguments">YARP's policy and destinations.</param>
    public static async Task<int> RunAsync(string kind, Uri url, IReadOnlyList<string> arguments)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls(url.AbsoluteUri);
        builder.Configuration.AddEnvironmentVariables();
        await using var app = kind switch
        {
            Kestrel => KestrelServer.Build(builder),
            ThreadPool => ThreadPoolServer.Build(builder),
            Allocating => AllocatingServer.Build(builder),
            Sized => SizedServer.Build(builder),
            Yarp => YarpServer.Build(builder, arguments[0], [.. arguments.Skip(1)]),
            _ => throw new BenchException($"There is no server {kind}."),
        };
        await app.RunAsync();
        return 0;
    }
}
