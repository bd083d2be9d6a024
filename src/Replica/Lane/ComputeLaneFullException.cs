namespace ClusterAspire.Replica.Lane;

/// <summary>All threads of the compute lane are busy and its queue is full.</summary>
public sealed class ComputeLaneFullException : Exception
{
    internal ComputeLaneFullException(int threads, int queueLimit)
        : base($"All {threads} compute threads are busy and {queueLimit} more requests are waiting.")
    {
    }
}
