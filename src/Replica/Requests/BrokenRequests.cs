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
        // Only the server's own exception type: the application handles the errors that it finds itself.
#pragma warning disable CS0618 // Obsolete, but the server still throws it.
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
