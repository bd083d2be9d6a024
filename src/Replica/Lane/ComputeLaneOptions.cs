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
}
