using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>What a replica that serves may reach before another takes its place.</summary>
/// <param name="Memory">How much memory it may use, in bytes; null for any.</param>
/// <param name="Age">How long it may run, give or take a tenth; null for ever.</param>
/// <param name="Requests">How many requests it may answer, give or take a tenth; null for any.</param>
public sealed record RestartLimits(long? Memory, TimeSpan? Age, long? Requests)
{
    // So that replicas do not reach the limit at the same time.
    private const double Jitter = 0.1;

    /// <summary>What the user chose.</summary>
    public static RestartLimits Of(ClusterOptions options) => new(
        options.RestartMemory is { } memory ? (long)ClusterOptions.Bytes(memory) : null,
        options.RestartAge > 0 ? TimeSpan.FromSeconds(options.RestartAge) : null,
        options.RestartRequests > 0 ? options.RestartRequests : null);

    /// <summary>The same for one replica: a little more or less of each but the memory.</summary>
    internal RestartLimits ForOne()
    {
        var share = 1 - Jitter + (2 * Jitter * Random.Shared.NextDouble());
        return this with { Age = Age * share, Requests = (long?)(Requests * share) };
    }

    /// <summary>Says what is reached, and in words; null while nothing is.</summary>
    /// <param name="status">The replica.</param>
    /// <param name="requests">How many requests it has answered.</param>
    /// <param name="now">The time.</param>
    internal (string Reason, string Words)? Reached(WorkloadStatus status, long requests, DateTimeOffset now) =>
        status.Memory > Memory ? (RestartReason.Memory, $"uses {Mebibytes(status.Memory)} MiB of memory, more than {Mebibytes(Memory)} MiB")
        : now - status.StartedAt > Age ? (RestartReason.Age, $"has run for {(now - status.StartedAt)?.TotalSeconds:0} s")
        : requests >= Requests ? (RestartReason.Requests, $"has answered {requests} requests")
        : null;

    private static long? Mebibytes(long? bytes) => bytes >> 20;
}
