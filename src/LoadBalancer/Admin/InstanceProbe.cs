using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Health;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Admin;

/// <summary>
/// Answers <c>/health/INSTANCE</c> on the admin port: 200 when this is that instance and is ready, else 503. While one load
/// balancer takes the place of another, both accept from the same socket.
/// </summary>
/// <remarks>Before the guard: who asks needs no token, and learns nothing else.</remarks>
internal sealed class InstanceProbe(RequestDelegate next, IOptions<LoadBalancerOptions> options, FirstAnswers answers)
{
    /// <summary>Handles a request of either port.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (options.Value.Instance is null
            || context.Connection.LocalPort != options.Value.AdminUrl.Port
            || !context.Request.Path.StartsWithSegments(Probes.Health, out var instance)
            || !instance.HasValue)
        {
            return next(context);
        }

        context.Response.StatusCode = instance == $"/{options.Value.Instance}" && answers.Heard.IsCompleted ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    }
}
