namespace ClusterAspire.Bench;

/// <summary>What the load generator saw.</summary>
/// <param name="RecordingSince">The <see cref="System.Diagnostics.Stopwatch"/> timestamp at which recording began: on one machine all processes share that clock.</param>
/// <param name="Open">The steady rate's part.</param>
/// <param name="Closed">The clients' part.</param>
internal sealed record LoadReport(long RecordingSince, StreamReport? Open, StreamReport? Closed);
