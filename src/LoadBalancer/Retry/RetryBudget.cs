using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>
/// Bounds retries to a share of recent requests, so that they cannot multiply the load of a failing cluster.
/// </summary>
/// <remarks>
/// The rule and its constants are those of Finagle's RetryBudget: over the last 10 s, 20 % of requests plus
/// 10 per second whatever the load.
/// </remarks>
internal sealed class RetryBudget(IOptions<LoadBalancerOptions> options, TimeProvider time)
{
    private const int Window = 10;

    private readonly Lock _lock = new();
    private readonly (long Second, int Requests, int Retries)[] _seconds = new (long, int, int)[Window];

    /// <summary>Counts a request.</summary>
    public void Deposit()
    {
        lock (_lock)
        {
            Now().Requests++;
        }
    }

    /// <summary>Asks for a retry.</summary>
    /// <returns>Whether the budget had one left.</returns>
    public bool TryWithdraw()
    {
        lock (_lock)
        {
            ref var now = ref Now();
            var (requests, retries) = (0, 0);
            foreach (var second in _seconds)
            {
                if (second.Second > now.Second - Window)
                {
                    requests += second.Requests;
                    retries += second.Retries;
                }
            }

            if (retries + 1 > (options.Value.RetryMinPerSecond * Window) + (options.Value.RetryRatio * requests))
            {
                return false;
            }

            now.Retries++;
            return true;
        }
    }

    private ref (long Second, int Requests, int Retries) Now()
    {
        // Counting from 1 keeps the zeroed slots in the past.
        var second = (time.GetTimestamp() / time.TimestampFrequency) + 1;
        ref var slot = ref _seconds[second % Window];
        if (slot.Second != second)
        {
            slot = (second, 0, 0);
        }

        return ref slot;
    }
}
