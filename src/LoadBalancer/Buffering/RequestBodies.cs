using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.Replica.Requests;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Buffering;

/// <summary>
/// Receives a request's body before the request gets a slot or a connection, so that a client that sends slowly holds no core and no
/// connection to a replica.
/// </summary>
/// <remarks>
/// What fits into <see cref="LoadBalancerOptions.BodyMemory"/> stays where the server put it and is not copied. A longer body of a
/// compute request goes to a temporary file, or is passed on as it comes: <see cref="LoadBalancerOptions.ComputeBody"/>. A light
/// request waits only for a body whose declared length fits; others may be streams.
/// </remarks>
internal sealed class RequestBodies(IOptions<LoadBalancerOptions> options)
{
    /// <summary>Receives the body as far as it is to be received.</summary>
    /// <exception cref="BadHttpRequestException">The client sends too slowly, too much, or not what it declared; or there is no room for it.</exception>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public ValueTask ReceiveAsync(HttpContext context, bool isCompute)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is not true
            || context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest is true
            || context.Features.Get<IHttpExtendedConnectFeature>()?.IsExtendedConnect is true)
        {
            return default;
        }

        return isCompute || context.Request.ContentLength <= options.Value.BodyMemory ? new(ReceiveBodyAsync(context, isCompute)) : default;
    }

    /// <summary>Makes the body readable from its beginning for the next try; only what no replica has seen is tried again.</summary>
    public static void Rewind(HttpContext context)
    {
        if (context.Request.Body.CanSeek)
        {
            context.Request.Body.Position = 0;
        }
    }

    private async Task ReceiveBodyAsync(HttpContext context, bool isCompute)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (isCompute && Math.Max(read.Buffer.Length, context.Request.ContentLength ?? 0) > options.Value.ComputeBodyLimit)
            {
                throw TooLong();
            }

            var isEnough = read.IsCompleted || read.Buffer.Length > options.Value.BodyMemory;
            // Only examined: the body stays unread for the forwarder.
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted || (isEnough && (!isCompute || options.Value.ComputeBody is ComputeBodyKind.Stream)))
            {
                return;
            }

            if (isEnough)
            {
                break;
            }
        }

        try
        {
            await context.SpoolBodyAsync(options.Value.BodyMemory, options.Value.ComputeBodyLimit);
        }
        catch (InvalidDataException)
        {
            throw TooLong();
        }
        catch (BodyNotKeptException exception)
        {
            throw new BadHttpRequestException(exception.Message, StatusCodes.Status503ServiceUnavailable, exception);
        }
    }

    private BadHttpRequestException TooLong() =>
        new($"The body is longer than {options.Value.ComputeBodyLimit} bytes.", StatusCodes.Status413PayloadTooLarge);
}
