using System.Net.Sockets;
using System.Text;

namespace ClusterAspire.Bench;

/// <summary>How much memory connections take that wait for a request.</summary>
internal sealed class IdleScenario : IScenario
{
    /// <summary>How many connections there are.</summary>
    public const int Connections = 10_000;

    /// <summary>The memory they take together.</summary>
    public const string Memory = "memory of 10 000 idle connections";

    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n");

    /// <inheritdoc/>
    public string Name => "idle";

    /// <inheritdoc/>
    public string Title => "What do idle connections cost?";

    /// <inheritdoc/>
    public (double Full, double Quick) Seconds => (5, 3);

    /// <inheritdoc/>
    public async Task RunAsync(ScenarioRun run, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
        {
            run.Skip(Memory, "it is read from /proc");
            return;
        }

        if (await run.StartReplicasAsync(cancellationToken) is not { } replicas)
        {
            return;
        }

        // HAProxy needs two file descriptors for a connection, more than the limit of many users.
        IPeer[] peers = [new LoadBalancerPeer(Systems.Cluster, replicas), new NginxPeer(replicas)];
        run.Expect(peers.Length);
        foreach (var peer in peers)
        {
            run.Step(peer.Name);
            if (await run.StartAsync(peer, cancellationToken) is not { } running)
            {
                continue;
            }

            var before = running.Memory;
            var sockets = new List<Socket>();
            try
            {
                await OpenAsync(running.Url, sockets, cancellationToken);
                // Meanwhile the server may free what the requests needed.
                await Task.Delay(TimeSpan.FromSeconds(run.Seconds), cancellationToken);
                run.Add(peer.Name, "", Memory, running.Memory - before, "MB");
            }
            catch (SocketException exception)
            {
                run.Skip($"{Memory}: {peer.Name}", exception.Message);
            }
            finally
            {
                sockets.ForEach(socket => socket.Dispose());
            }

            await run.StopAsync(peer);
        }
    }

    private static async Task OpenAsync(Uri url, List<Socket> sockets, CancellationToken cancellationToken)
    {
        var answer = new byte[4096];
        for (var i = 0; i < Connections; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            await socket.ConnectAsync(url.Host, url.Port, cancellationToken);
            await socket.SendAsync(Request, cancellationToken);
            if (await socket.ReceiveAsync(answer, cancellationToken) == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }
        }
    }
}
