using System.Diagnostics;
using ClusterAspire.LoadBalancer.Forwarding;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Compute;

/// <summary>Lets a compute request through once a replica has a free slot for it; light requests pass.</summary>
internal sealed class ComputeQueueMiddleware(
    RequestDelegate next, ComputeQueue queue, BalancerMetrics metrics, BalancerEvents events)
{
    /// <summary>Handles one try of a request.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        var tries = context.Features.GetRequiredFeature<Tries>();
        return tries.IsCompute && proxy.AvailableDestinations.Count > 0 ? QueueAsync(context, proxy, tries.Failed) : next(context);
    }

    private async Task QueueAsync(HttpContext context, IReverseProxyFeature proxy, IReadOnlyCollection<DestinationState> tried)
    {
        var wait = new ComputeWait(context.GetRouteModel().Cluster!, Pinned(proxy, tried), tried);
        var started = Stopwatch.GetTimestamp();

        try
        {
            using var lease = await AcquireAsync(wait, first: tried.Count > 0, context.RequestAborted);
            metrics.ComputeQueued(Stopwatch.GetElapsedTime(started), Activity.Current);

            if (lease is null)
            {
                metrics.ComputeRejected("queue_full");
                events.QueueFull(queue.Length);
                await context.RefuseAsync("Every core is busy and the queue is full; try again later.");
                return;
            }

            // The slot is free when the response starts: sending it needs no core.
            context.Response.OnStarting(static lease =>
            {
                ((ComputeLease)lease).Dispose();
                return Task.CompletedTask;
            }, lease);
            proxy.AvailableDestinations = [lease.Destination];
            await next(context);
        }
        catch (TimeoutException)
        {
            metrics.ComputeQueued(Stopwatch.GetElapsedTime(started), Activity.Current);
            metrics.ComputeRejected("timeout");
            await context.RefuseAsync("No core became free in time; try again later.");
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has left, so there is nobody to answer.
        }
    }

    private async ValueTask<ComputeLease?> AcquireAsync(ComputeWait wait, bool first, CancellationToken cancellationToken)
    {
        using var span = BalancerTraces.StartWait();
        return await queue.AcquireAsync(wait, first, cancellationToken);
    }

    private static IReadOnlyList<DestinationState>? Pinned(IReverseProxyFeature proxy, IReadOnlyCollection<DestinationState> tried) =>
        proxy.Cluster.Config.SessionAffinity?.Enabled is true && tried.Count == 0 ? proxy.AvailableDestinations : null;
}
