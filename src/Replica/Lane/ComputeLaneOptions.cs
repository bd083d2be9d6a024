namespace ClusterAspire.Replica.Lane;

/// <summary>The size of the compute lane, bound from the configuration section <c>ComputeLane</c>.</summary>
public sealed class ComputeLaneOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "ComputeLane";

    /// <summary>How many threads run compute work; 0 for one per core this process may use.</summary>
    public int Threads { get; set; }

    /// <summary>How much work may wait when all threads are busy; more is refused.</summary>
    public int QueueLimit { get; set; } = 256;

    /// <summary>How long all threads may be busy with the same work before the lane is called stuck, in seconds.</summary>
    public double StuckAfter { get; set; } = 60;

    /// <summary>How much of a request's body is kept in memory while its handler waits for a thread, in bytes; more goes to a temporary file.</summary>
    public int BodyMemory { get; set; } = 64 * 1024;
}
