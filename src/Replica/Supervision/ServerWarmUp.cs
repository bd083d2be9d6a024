using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterAspire.Replica.Supervision;

/// <summary>
/// Answers one request on a separate port, so that the server's code is loaded and compiled before the process serves. Most of the
/// time to the first answer of a new process is spent on that.
/// </summary>
internal static class ServerWarmUp
{
    private static readonly byte[] Request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray();

    /// <summary>Answers the request; does nothing where no loopback port can be opened.</summary>
    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var loopback in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            try
            {
                await RunAsync(loopback, cancellationToken);
                return;
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // The machine lacks this address family, or the process has no descriptor left.
            }
        }
    }

    private static async Task RunAsync(IPAddress loopback, CancellationToken cancellationToken)
    {
        // It reads no configuration of the application.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(loopback, 0));
        builder.Services.AddRoutingCore();
        builder.Services.AddHealthChecks();
        await using var app = builder.Build();
        app.MapHealthChecks("/", new() { ResponseWriter = (context, _) => context.Response.WriteAsync("ok") });
        await app.StartAsync(cancellationToken);

        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        using var client = new TcpClient();
        await client.ConnectAsync(loopback, address.Port, cancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync(Request, cancellationToken);
        await stream.CopyToAsync(Stream.Null, cancellationToken);
    }
}
