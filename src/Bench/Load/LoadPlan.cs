namespace ClusterAspire.Bench;

/// <summary>What the load generator is asked to do.</summary>
/// <param name="Target">The server; on loopback.</param>
/// <param name="WarmUpSeconds">How long the load runs before anything is recorded.</param>
/// <param name="Seconds">How long it is recorded.</param>
/// <param name="DrainSeconds">How long answers are waited for afterwards; what is unanswered then is recorded with its age.</param>
/// <param name="Open">Requests at a steady rate, or null for none.</param>
/// <param name="Closed">Requests one after the other on each of a number of connections, or null for none.</param>
internal sealed record LoadPlan(
    Uri Target, double WarmUpSeconds, double Seconds, double DrainSeconds, OpenLoad? Open = null, ClosedLoad? Closed = null);
