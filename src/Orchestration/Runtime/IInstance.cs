namespace ClusterAspire.Orchestration.Runtime;

/// <summary>One run of a workload. Disposed after it has exited.</summary>
public interface IInstance : IAsyncDisposable
{
    /// <summary>What the operating system or the engine calls it, as shown to the user: <c>pid 4242</c>.</summary>
    string Id { get; }

    /// <summary>The core it is pinned to, or null.</summary>
    int? Core { get; }

    /// <summary>How much memory it uses, in bytes; null when that is not known.</summary>
    long? Memory => null;

    /// <summary>Completes with the exit code (128 + the signal's number when a signal ended it) once all its output was handed on.</summary>
    Task<int> Exited { get; }

    /// <summary>Asks it to drain and to exit; does not wait for that.</summary>
    Task StopAsync();

    /// <summary>Asks it to drain and to exit, as another has taken its sockets over: it has time for the connections it has.</summary>
    Task HandOverAsync() => StopAsync();

    /// <summary>Ends it at once.</summary>
    Task KillAsync();
}
