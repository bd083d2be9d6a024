using ClusterAspire.LoadBalancer.Live;

namespace ClusterAspire.Bench;

/// <summary>What became of one stream of requests.</summary>
internal sealed record StreamReport
{
    /// <summary>Requests that were due while recording.</summary>
    public required long Sent { get; init; }

    /// <summary>Those answered 200.</summary>
    public required long Succeeded { get; init; }

    /// <summary>Those that were not, by reason.</summary>
    public required IReadOnlyDictionary<string, long> Failures { get; init; }

    /// <summary>Those without an answer when waiting ended; their age then is among the latencies.</summary>
    public required long Unanswered { get; init; }

    /// <summary>Answers per second while recording; a request that overlaps its begin or end counts with the share inside.</summary>
    public required double PerSecond { get; init; }

    /// <summary>The longest time without a successful answer, in ms.</summary>
    public required double LongestSilence { get; init; }

    /// <summary>Latencies of answered and unanswered requests: pairs of µs and count.</summary>
    public required IReadOnlyList<long[]> Latencies { get; init; }

    /// <summary>The same over time.</summary>
    public required IReadOnlyList<TimeSlice> Slices { get; init; }

    /// <summary>How many failed.</summary>
    public long Failed => Failures.Values.Sum();
}
