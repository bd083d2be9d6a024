using Microsoft.AspNetCore.Diagnostics;

namespace ClusterAspire.LoadBalancer.Admin;

/// <summary>Says what was wrong with a request that could not be read.</summary>
internal sealed class BadRequests : IExceptionHandler
{
    /// <inheritdoc/>
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not BadHttpRequestException bad)
        {
            return false;
        }

        await Results.Problem(bad.Message, statusCode: bad.StatusCode).ExecuteAsync(httpContext);
        return true;
    }
}
