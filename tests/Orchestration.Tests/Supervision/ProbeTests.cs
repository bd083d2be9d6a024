using System.Net;
using System.Net.Sockets;
using System.Text;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Supervision;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class ProbeTests
{
    [Theory]
    [InlineData(200, true)]
    [InlineData(204, true)]
    [InlineData(307, true)]
    [InlineData(400, true)]
    [InlineData(401, true)]
    [InlineData(404, true)]
    [InlineData(429, true)]
    [InlineData(500, false)]
    [InlineData(502, false)]
    [InlineData(503, false)]
    public void Every_answer_but_a_server_error_means_yes(int status, bool serves) => Assert.Equal(serves, Probes.Serves(status));

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ProbeOutcome.Serves, "200 OK")]
    [InlineData("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", ProbeOutcome.Serves, "400 Bad Request")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://nowhere.invalid/\r\nContent-Length: 0\r\n\r\n", ProbeOutcome.Serves, "302 Found")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n<html>", ProbeOutcome.Serves, "200 OK")]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", ProbeOutcome.Refuses, "503 Service Unavailable")]
    [InlineData("SSH-2.0-OpenSSH\r\n", ProbeOutcome.Unanswered, null)]
    [InlineData("", ProbeOutcome.Closed, null)]
    public async Task It_tells_what_came_back(string answer, ProbeOutcome outcome, string? text)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _ = AnswerAsync(listener, answer);

        var result = await Probe.AskAsync(new($"http://{listener.LocalEndpoint}/health"), TestContext.Current.CancellationToken);

        Assert.Equal(outcome, result.Outcome);
        Assert.Equal(text ?? result.Text, result.Text);
        Assert.NotEmpty(result.Text);
    }

    [Fact]
    public async Task Nobody_there_is_said_so()
    {
        var result = await Probe.AskAsync(new($"http://127.0.0.1:{FreePort.Next()}/health"), TestContext.Current.CancellationToken);

        Assert.Equal(new(ProbeOutcome.Closed, "Connection refused"), result);
    }

    // As often as it is asked: an answer that is cut off is asked for again.
    private static async Task AnswerAsync(TcpListener listener, string answer)
    {
        while (true)
        {
            using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            _ = await client.GetStream().ReadAsync(new byte[4096], TestContext.Current.CancellationToken);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer), TestContext.Current.CancellationToken);
        }
    }
}
