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
/// Answers a request on a port of its own, so that the code of the server is loaded and compiled before it matters: in a
/// process that has just started, most of the time to the first answer is that.
/// </summary>
internal static class Rehearsal
{
    private static readonly byte[] Request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray();

    /// <summary>Plays it where that can be done, and does nothing otherwise.</summary>
    public static async Task PlayAsync(CancellationToken cancellationToken)
    {
        foreach (var loopback in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            try
            {
                await PlayAsync(loopback, cancellationToken);
                return;
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // Not every machine has both families; nor a descriptor to spare.
            }
        }
    }

    private static async Task PlayAsync(IPAddress loopback, CancellationToken cancellationToken)
    {
        // Nothing of the application's configuration is known to it.
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
