using System.Buffers;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Buffering;

/// <summary>
/// Receives a request's body before anything is taken for it, so that a client that sends slowly holds no core and no connection
/// to a replica.
/// </summary>
/// <remarks>
/// What fits into <see cref="LoadBalancerOptions.BodyMemory"/> stays where the server put it and is not copied. A longer body of a
/// compute request goes to a temporary file, or is passed on as it comes: <see cref="LoadBalancerOptions.ComputeBody"/>. A light
/// request waits only for a body whose declared length fits; others may be streams.
/// </remarks>
internal sealed partial class RequestBodies(IOptions<LoadBalancerOptions> options, ILogger<RequestBodies> logger)
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
            // Looked at, and left for whoever forwards it.
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

        context.Request.EnableBuffering(options.Value.BodyMemory);
        try
        {
            await SpoolAsync(context.Request, context.RequestAborted);
        }
        catch (IOException exception) when (exception is not (BadHttpRequestException or ConnectionResetException))
        {
            Log.NotKept(logger, exception.Message);
            throw new BadHttpRequestException($"The body could not be kept in a temporary file: {exception.Message}", StatusCodes.Status503ServiceUnavailable, exception);
        }

        context.Request.Body.Position = 0;
    }

    // A FileBufferingReadStream keeps what is read from it.
    private async Task SpoolAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            while (await request.Body.ReadAsync(buffer, cancellationToken) > 0)
            {
                if (request.Body.Position > options.Value.ComputeBodyLimit)
                {
                    throw TooLong();
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private BadHttpRequestException TooLong() =>
        new($"The body is longer than {options.Value.ComputeBodyLimit} bytes.", StatusCodes.Status413PayloadTooLarge);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The body of a compute request could not be kept in a temporary file ({Reason}), and was refused with 503: make room there, or choose another folder by ASPNETCORE_TEMP.")]
        public static partial void NotKept(ILogger logger, string reason);
    }
}
