using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace ClusterAspire.Bench.Tests;

public sealed class HttpConnectionTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConnectionPool _pool;
    private readonly List<string> _requests = [];

    public HttpConnectionTests()
    {
        _listener.Start();
        _pool = new ConnectionPool(new Uri($"http://{_listener.LocalEndpoint}/"), "/fast", maxConnections: 4);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfast\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfast\n\r\n2\r\nok\r\n0\r\n\r\n")]
    public async Task Answers_are_read_to_their_end_and_the_connection_is_used_again(string answer)
    {
        var server = ServeAsync([answer, answer]);

        Assert.Null(await SendAsync());
        Assert.Null(await SendAsync());

        // It accepts one connection.
        await server;
        Assert.Equal(2, _requests.Count);
    }

    [Fact]
    public async Task A_request_whose_connection_breaks_fails_and_is_not_sent_again()
    {
        var server = ServeAsync(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfast\n", null]);

        Assert.Null(await SendAsync());
        Assert.Equal("connection lost", await SendAsync());

        await server;
        Assert.Equal(2, _requests.Count);
    }

    [Fact]
    public async Task Answers_other_than_200_are_failures()
    {
        var server = ServeAsync(["HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"]);

        Assert.Equal("HTTP 503", await SendAsync());
        await server;
    }

    [Fact]
    public async Task A_server_that_is_gone_refuses()
    {
        _listener.Stop();

        Assert.Equal("connection refused", await SendAsync());
    }

    [Fact]
    public async Task A_connection_the_server_is_about_to_close_is_not_used_again()
    {
        const string Last = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        var first = ServeAsync([Last]);
        Assert.Null(await SendAsync());
        await first;

        var second = ServeAsync([Last]);
        Assert.Null(await SendAsync());
        await second;
    }

    public void Dispose()
    {
        _pool.Dispose();
        _listener.Dispose();
    }

    private Task<string?> SendAsync() =>
        _pool.SendAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

    // One connection, an answer for each request; null closes it instead.
    private async Task ServeAsync(IEnumerable<string?> answers)
    {
        using var connection = await _listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        var buffer = new byte[4096];
        foreach (var answer in answers)
        {
            var read = await connection.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            _requests.Add(Encoding.ASCII.GetString(buffer, 0, read));
            if (answer is null)
            {
                break;
            }

            await connection.SendAsync(Encoding.ASCII.GetBytes(answer), TestContext.Current.CancellationToken);
        }
    }
}
