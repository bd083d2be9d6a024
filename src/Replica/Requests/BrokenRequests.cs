using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Requests;

/// <summary>
/// Answers a request whose client broke off its body or sends it too slowly, in applications that call
/// <c>UseExceptionHandler</c>. It is the client's failure, so the log has one debug line and no stack trace.
/// </summary>
internal sealed partial class BrokenRequests(ILogger<BrokenRequests> logger) : IExceptionHandler
{
    /// <inheritdoc/>
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        // The server's own type: what the application itself finds wrong with a request stays the application's.
#pragma warning disable CS0618 // Obsolete for those who throw it; the server still does.
        if (exception is not Microsoft.AspNetCore.Server.Kestrel.Core.BadHttpRequestException broken)
#pragma warning restore CS0618
        {
            return false;
        }

        Log.Broken(logger, httpContext.Request.Path, broken.Message);
        await Results.Problem(broken.Message, statusCode: broken.StatusCode).ExecuteAsync(httpContext);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "The body of a request for {Path} could not be read: {Reason}")]
        public static partial void Broken(ILogger logger, PathString path, string reason);
    }
}
