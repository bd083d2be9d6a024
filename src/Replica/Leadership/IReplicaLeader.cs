namespace ClusterAspire.Replica.Leadership;

/// <summary>Chooses one of a machine's replicas for work that is to be done once: a timer, a consumer of a queue, a migration.</summary>
public interface IReplicaLeader
{
    /// <summary>Whether this replica is the one at the moment. Asking makes it a candidate.</summary>
    bool IsLeader { get; }

    /// <summary>Waits until this replica leads, which it then does until it stops, or dies.</summary>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>A token that is cancelled when this replica stops. The work must end then: another replica takes over when this process has ended.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled, or this replica stops.</exception>
    Task<CancellationToken> LeadAsync(CancellationToken cancellationToken);
}
