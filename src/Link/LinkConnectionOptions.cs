using System.IO.Pipelines;

namespace ClusterAspire.Link;

/// <summary>How one side of a link works.</summary>
public sealed record LinkConnectionOptions
{
    /// <summary>Where those run who wait for something to read: <see cref="PipeScheduler.Inline"/> only where none of them blocks.</summary>
    public PipeScheduler Scheduler { get; init; } = PipeScheduler.ThreadPool;

    /// <summary>
    /// After how long a quiet what is to be sent is sent at once; null for never. Else it is sent behind what waits for the thread
    /// pool, and with what that has to send: a system call for all.
    /// </summary>
    public TimeSpan? SendsAtOnceAfter { get; init; }

    /// <summary>Sends later what is given, when the current thread has done what it does; false if it is a thread that cannot say when.</summary>
    public Func<IThreadPoolWorkItem, bool>? Defer { get; init; }

    /// <summary>Takes a virtual connection that the other side opened, and says whether it does; null on the side that opens them.</summary>
    public Func<VirtualConnection, bool>? Accept { get; init; }

    /// <summary>How many virtual connections there may be at a time.</summary>
    public int MostConnections { get; init; } = 65_536;
}
