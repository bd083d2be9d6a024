namespace ClusterAspire.Bench;

/// <summary>A tenth of a second of a stream, by when its requests were due.</summary>
/// <param name="At">Its begin, in seconds since recording began.</param>
/// <param name="Succeeded">Requests answered 200.</param>
/// <param name="Failed">Requests that were not.</param>
/// <param name="Slowest">The longest latency of one that succeeded, in ms.</param>
internal sealed record TimeSlice(double At, long Succeeded, long Failed, double Slowest);
