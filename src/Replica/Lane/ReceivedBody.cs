using ClusterAspire.Replica.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ClusterAspire.Replica.Lane;

/// <summary>Receives a request's body before its handler runs.</summary>
internal static class ReceivedBody
{
    /// <summary>Receives what has not been read of the body yet: into memory, or into a temporary file.</summary>
    /// <param name="invocation">The request and the handler's arguments, of which one may be the body itself.</param>
    /// <param name="memory">How much is kept in memory, in bytes.</param>
    /// <exception cref="BadHttpRequestException">The client sends too slowly, or not what it declared.</exception>
    /// <exception cref="BodyNotKeptException">The temporary file cannot be written.</exception>
    public static async Task ReceiveBodyAsync(this EndpointFilterInvocationContext invocation, int memory)
    {
        var context = invocation.HttpContext;
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is not true)
        {
            return;
        }

        var (stream, reader) = (context.Request.Body, context.Request.BodyReader);
        await context.SpoolBodyAsync(memory);

        for (var i = 0; i < invocation.Arguments.Count; i++)
        {
            if (ReferenceEquals(invocation.Arguments[i], stream))
            {
                invocation.Arguments[i] = context.Request.Body;
            }
            else if (ReferenceEquals(invocation.Arguments[i], reader))
            {
                invocation.Arguments[i] = context.Request.BodyReader;
            }
        }
    }
}
