using ClusterAspire.Replica.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Lane;

/// <summary>Puts endpoints on the <see cref="ComputeLane"/>.</summary>
public static class ComputeLaneEndpointExtensions
{
    /// <summary>
    /// Runs the endpoint's handler on the compute lane. Binding its parameters and writing its result stay outside, and so
    /// do endpoint filters added before this call; filters added after it run on the lane with the handler. The lane never waits
    /// for a client: the request's body is received before, and the thread pool sends what a handler writes.
    /// </summary>
    /// <remarks>
    /// A full lane answers 503 with <c>Retry-After</c>. A request whose client leaves while it waits never runs.
    /// </remarks>
    /// <param name="builder">The endpoint, or the group of endpoints.</param>
    public static TBuilder RunsOnComputeLane<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new RunsOnComputeLaneAttribute()).AddEndpointFilterFactory((endpoint, next) =>
        {
            var lane = endpoint.ApplicationServices.GetRequiredService<ComputeLane>();
            var bodyMemory = endpoint.ApplicationServices.GetRequiredService<IOptions<ComputeLaneOptions>>().Value.BodyMemory;
            return context => RunAsync(lane, bodyMemory, context, next);
        });

    private static async ValueTask<object?> RunAsync(
        ComputeLane lane, int bodyMemory, EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (http.Response.StatusCode >= StatusCodes.Status400BadRequest)
        {
            // Binding failed: the handler will not run, so there is nothing to wait for.
            return await next(context);
        }

        try
        {
            await context.ReceiveBodyAsync(bodyMemory);
            await using var writing = DetachedResponse.Of(http);
            return await lane.QueueAsync(_ => next(context), http.RequestAborted);
        }
        catch (ComputeLaneFullException e)
        {
            return ComputeLaneFull.Answer(http, e);
        }
        catch (BodyNotKeptException e)
        {
            http.Response.Headers.RetryAfter = "1";
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return TypedResults.StatusCode(StatusCodes.Status499ClientClosedRequest);
        }
    }
}
