using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace ClusterAspire.Replica.Draining;

/// <summary>
/// Makes each response close its connection while the replica drains. A client that keeps connections alive opens its next one to
/// another replica, and does not lose a request on a connection that closes while it sends.
/// </summary>
/// <remarks>An upgrade, such as a WebSocket's, goes on. HTTP/1 only: HTTP/2 has GOAWAY for this, which Kestrel sends when it stops.</remarks>
internal sealed class ConnectionCloseFilter(Drain drain) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(rest => context =>
        {
            if (drain.IsDraining && HttpProtocol.IsHttp11(context.Request.Protocol))
            {
                // When the response starts: a proxy later in the pipeline replaces the headers.
                context.Response.OnStarting(Close, context.Response);
            }

            return rest(context);
        });
        next(app);
    };

    private static Task Close(object state)
    {
        var response = (HttpResponse)state;
        if (response.StatusCode is not StatusCodes.Status101SwitchingProtocols)
        {
            response.Headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}
