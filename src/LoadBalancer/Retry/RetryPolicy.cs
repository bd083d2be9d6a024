using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>Decides whether a request that failed on one replica is tried on another.</summary>
/// <remarks>
/// A request that no replica has seen may be tried on each of them. Once it has been sent, a safe request gets
/// <see cref="LoadBalancerOptions.RetryLimit"/> more tries, one by default as in Envoy, so that a request that ends replicas
/// never reaches a third; none after a time-out, which would only multiply the load.
/// </remarks>
internal sealed class RetryPolicy(RetryBudget budget, IOptions<LoadBalancerOptions> options)
{
    /// <summary>Whether another replica is to be tried. A try that reached a replica is paid for from the budget.</summary>
    /// <param name="failure">How the last try failed.</param>
    /// <param name="isSafe">Whether the request may be sent twice: a safe method (RFC 9110, 9.2.1) and no body.</param>
    /// <param name="sent">How often it has been sent.</param>
    public bool Allows(TryFailure failure, bool isSafe, int sent) => failure switch
    {
        // It was sent before and may have ended that replica, so its tries are counted from then on.
        TryFailure.NotSent => sent == 0 || MayBeSentAgain(isSafe, sent),
        TryFailure.Refused or TryFailure.Broken or TryFailure.Gone => MayBeSentAgain(isSafe, sent) && budget.TryWithdraw(),
        _ => false,
    };

    private bool MayBeSentAgain(bool isSafe, int sent) => isSafe && sent <= options.Value.RetryLimit;
}
