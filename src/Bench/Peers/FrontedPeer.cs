namespace ClusterAspire.Bench;

/// <summary>Replicas of one service, one on each core, behind a balancer.</summary>
/// <param name="name">Its name.</param>
/// <param name="replica">The replica on a core.</param>
/// <param name="balancer">The balancer before these addresses.</param>
internal sealed class FrontedPeer(string name, Func<int, IPeer> replica, Func<IReadOnlyList<Uri>, IPeer> balancer) : IPeer
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public bool FinishesAbandonedWork => replica(Cores.Numbers[0]).FinishesAbandonedWork;

    /// <inheritdoc/>
    public string? Missing => replica(Cores.Numbers[0]).Missing ?? balancer([]).Missing;

    /// <inheritdoc/>
    public async Task<RunningPeer> StartAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        var started = new List<RunningPeer>();
        try
        {
            foreach (var core in Cores.Numbers)
            {
                started.Add(await replica(core).StartAsync(folders, cancellationToken));
            }

            started.Insert(0, await balancer([.. started.Select(peer => peer.Url)]).StartAsync(folders, cancellationToken));
            return new RunningPeer(started[0].Url, started);
        }
        catch
        {
            foreach (var peer in started)
            {
                await peer.DisposeAsync();
            }

            throw;
        }
    }
}
