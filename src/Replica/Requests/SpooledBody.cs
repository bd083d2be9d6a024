using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Requests;

/// <summary>Receives a request's body whole: into memory, and from there into a temporary file.</summary>
internal static partial class SpooledBody
{
    /// <summary>Receives what has not been read of the body yet. It can be read from there, and again.</summary>
    /// <param name="context">The request.</param>
    /// <param name="memory">How much is kept in memory, in bytes.</param>
    /// <param name="limit">How long the body may be, in bytes; null for any length.</param>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="limit"/>.</exception>
    /// <exception cref="BodyNotKeptException">The temporary file cannot be written; the log says so.</exception>
    /// <exception cref="BadHttpRequestException">The client sends too slowly, or not what it declared.</exception>
    /// <exception cref="OperationCanceledException">The client left.</exception>
    public static async Task SpoolBodyAsync(this HttpContext context, int memory, long? limit = null)
    {
        context.Request.EnableBuffering(memory);
        var body = context.Request.Body;
        var start = body.Position;
        try
        {
            await body.DrainAsync(limit, context.RequestAborted);
        }
        catch (IOException exception) when (exception is not (BadHttpRequestException or ConnectionResetException) && !context.RequestAborted.IsCancellationRequested)
        {
            Log.NotKept(context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(SpooledBody)), exception.Message);
            throw new BodyNotKeptException(exception);
        }

        body.Position = start;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The body of a compute request could not be kept in a temporary file ({Reason}), and was refused with 503: make room there, or choose another folder by ASPNETCORE_TEMP.")]
        public static partial void NotKept(ILogger logger, string reason);
    }
}

/// <summary>A request's body cannot be written to a temporary file.</summary>
internal sealed class BodyNotKeptException(IOException cause) : IOException($"The body could not be kept in a temporary file: {cause.Message}", cause);
