using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ClusterAspire.Replica.Lane;

/// <summary>
/// The response when the lane is full: 503 with <c>Retry-After: 1</c>. As an exception handler it answers the same for handlers that use
/// <see cref="ComputeLane"/> themselves, in applications that call <c>UseExceptionHandler</c>.
/// </summary>
internal sealed class ComputeLaneFull : IExceptionHandler
{
    public static ProblemHttpResult Answer(HttpContext context, ComputeLaneFullException exception)
    {
        context.Response.Headers.RetryAfter = "1";
        return TypedResults.Problem(
            title: "The service is busy",
            detail: exception.Message + " Try again later.",
            statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not ComputeLaneFullException full)
        {
            return false;
        }

        await Answer(httpContext, full).ExecuteAsync(httpContext);
        return true;
    }
}
