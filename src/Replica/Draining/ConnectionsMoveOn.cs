using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace ClusterAspire.Replica.Draining;

/// <summary>
/// While draining, each response closes its connection: a client that keeps connections alive makes its next one to
/// somebody else, instead of losing a request to a connection that is closed as it sends it.
/// </summary>
/// <remarks>HTTP/1 only: HTTP/2 has GOAWAY for this, which Kestrel sends when it stops.</remarks>
internal sealed class ConnectionsMoveOn(Drain drain) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(rest => context =>
        {
            if (drain.IsDraining && HttpProtocol.IsHttp11(context.Request.Protocol))
            {
                // At the end: a proxy behind this replaces the headers.
                context.Response.OnStarting(Close, context.Response);
            }

            return rest(context);
        });
        next(app);
    };

    private static Task Close(object response)
    {
        ((HttpResponse)response).Headers.Connection = "close";
        return Task.CompletedTask;
    }
}
