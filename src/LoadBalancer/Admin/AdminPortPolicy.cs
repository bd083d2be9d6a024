using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.AspNetCore.Routing.Matching;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Admin;

/// <summary>
/// Keeps the two ports apart: endpoints marked <see cref="AdminOnly"/> exist on the admin port alone, all others
/// on the public one alone. It uses the port of the connection, because a Host header can be forged.
/// </summary>
internal sealed class AdminPortPolicy(IOptions<LoadBalancerOptions> options) : MatcherPolicy, IEndpointSelectorPolicy
{
    /// <inheritdoc/>
    public override int Order => int.MinValue;

    /// <inheritdoc/>
    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => true;

    /// <inheritdoc/>
    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var isAdmin = httpContext.Connection.LocalPort == options.Value.AdminUrl.Port;
        for (var i = 0; i < candidates.Count; i++)
        {
            if (candidates.IsValidCandidate(i) && candidates[i].Endpoint.Metadata.GetMetadata<AdminOnly>() is null == isAdmin)
            {
                candidates.SetValidity(i, false);
            }
        }

        return Task.CompletedTask;
    }
}
