using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Tests;

public sealed class BrokenRequestTests
{
    [Theory]
    [InlineData("Content-Length: 1000\r\n\r\nabc", "")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nno size\r\n", "HTTP/1.1 400 ")]
    public async Task A_body_that_cannot_be_read_is_no_error_in_the_log(string request, string answer)
    {
        var log = new LogLines(LogLevel.Warning);
        var ended = new TaskCompletionSource();
        await using var application = await TestApplication.StartAsync(
            app => app.MapPost("/", async (Stream body) =>
            {
                try
                {
                    await body.CopyToAsync(Stream.Null);
                }
                finally
                {
                    ended.TrySetResult();
                }
            }),
            build: builder =>
            {
                builder.Logging.AddProvider(log);
                builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MinRequestBodyDataRate = null);
            });
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(application.Client.BaseAddress!.Host, application.Client.BaseAddress.Port);
        var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: a\r\n{request}"));
        if (answer == "")
        {
            tcp.Client.Shutdown(SocketShutdown.Send);
        }

        Assert.StartsWith(answer, await Eventually.InTimeAsync(ReadToEndAsync(stream)), StringComparison.Ordinal);
        await Eventually.InTimeAsync(ended.Task);
        await application.StopAsync();
        Assert.Empty(log.Lines);
    }

    // Whoever has sent half a request may find the connection closed or reset.
    private static async Task<string> ReadToEndAsync(Stream stream)
    {
        using var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer);
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            // What was answered before counts.
        }

        return Encoding.ASCII.GetString(answer.ToArray());
    }
}
