using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Runner.Tests.Chaos;

/// <summary>What happens to a cluster, one thing after the other, chosen by a seed.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="collectorPort">Where its telemetry goes.</param>
/// <param name="random">Chooses.</param>
internal sealed class Disturbances(Cluster cluster, int collectorPort, Random random) : IDisposable
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly HashSet<int> _struck = [];
    private TcpListener? _collector;
    private int _balancerAway;

    /// <summary>What has happened, and when, in s.</summary>
    public List<string> Happened { get; } = [];

    /// <summary>How long it has been going on.</summary>
    public TimeSpan Elapsed => _watch.Elapsed;

    /// <summary>Whether the balancer was killed and has not answered since.</summary>
    public bool IsBalancerAway => Volatile.Read(ref _balancerAway) == 1;

    /// <summary>Disturbs until the time is over.</summary>
    public async Task RunAsync(TimeSpan duration)
    {
        for (var end = DateTime.UtcNow + duration; DateTime.UtcNow < end;)
        {
            await DisturbAsync();
            await Task.Delay(random.Next(100, 700), CancellationToken.None);
        }
    }

    public void Dispose() => _collector?.Dispose();

    private async Task DisturbAsync()
    {
        // One of those that serve, while another does: without one, nobody could answer. The balancer may not have noticed yet
        // what was done to them.
        var serving = (await cluster.ReplicasAsync()).Where(replica => replica is { State: "ready" or "busy", Pid: { } pid } && !_struck.Contains(pid)).ToList();
        var victim = serving.Count > 1 ? serving[random.Next(serving.Count)] : null;
        switch (random.Next(12))
        {
            case <= 3 when victim is not null:
                Happens($"kill {victim.Name}");
                _struck.Add(victim.Pid!.Value);
                cluster.Kill(victim);
                break;
            case <= 6 when victim is not null:
                // Shorter or longer than the limit of liveness.
                var stopped = random.Next(50, 1500);
                Happens($"freeze {victim.Name} for {stopped} ms");
                await FreezeAsync(victim.Pid!.Value, stopped);
                break;
            case 7 when victim is not null:
                Happens($"hang {victim.Name}");
                _struck.Add(victim.Pid!.Value);
                cluster.Freeze(victim);
                break;
            case 8 when victim is not null:
                Happens($"slow {victim.Name}");
                for (var i = 0; i < 10; i++)
                {
                    await FreezeAsync(victim.Pid!.Value, 40);
                    await Task.Delay(20, CancellationToken.None);
                }

                break;
            case 9 when serving.Count > 1:
                Happens("kill the load balancer");
                await KillBalancerAsync();
                break;
            default:
                Happens(_collector is null ? "the collector comes" : "the collector goes");
                ToggleCollector();
                break;
        }
    }

    private void Happens(string what) => Happened.Add(FormattableString.Invariant($"{Elapsed.TotalSeconds:0.0} {what}"));

    private static async Task FreezeAsync(int pid, int milliseconds)
    {
        const int SigCont = 18;
        if (!TestProcess.IsRunning(pid))
        {
            return;
        }

        Unix.Signal(pid, Unix.SigStop);
        await Task.Delay(milliseconds, CancellationToken.None);
        if (TestProcess.IsRunning(pid))
        {
            Unix.Signal(pid, SigCont);
        }
    }

    private async Task KillBalancerAsync()
    {
        var balancer = cluster.LoadBalancer;
        Volatile.Write(ref _balancerAway, 1);
        Unix.Signal(balancer, Unix.SigKill);
        await Eventually.IsTrueAsync(() => !TestProcess.IsRunning(balancer), "the load balancer has ended");
        await Eventually.IsTrueAsync(
            async () =>
            {
                try
                {
                    return (await cluster.ReplicasAsync()).Count(replica => replica.State is "ready" or "busy") > 1;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the load balancer is back");
        // What was cut off may be noticed a moment later.
        await Task.Delay(500, CancellationToken.None);
        Volatile.Write(ref _balancerAway, 0);
    }

    private void ToggleCollector()
    {
        if (_collector is not null)
        {
            _collector.Dispose();
            _collector = null;
            return;
        }

        // It takes connections and answers nothing: the worst kind.
        _collector = new TcpListener(IPAddress.Loopback, collectorPort);
        _collector.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _collector.Start();
    }
}
