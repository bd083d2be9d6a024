using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using ClusterAspire.Contract;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>
/// Tells a running load balancer which replicas there are, by a file that it reads again after each change, and asks at its admin
/// port whether it uses them.
/// </summary>
public sealed class Rotation : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    // Longer than the load balancer takes to start again if it has just ended.
    private static readonly TimeSpan ConfirmationTimeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;

    /// <param name="file">The file. Its folder must be there, and nobody else may write to it.</param>
    /// <param name="adminUrl">Where the balancer's admin port is.</param>
    public Rotation(string file, Uri adminUrl)
    {
        File = file;
        _http = LoopbackHttp.CreateForAdmin(TimeSpan.FromSeconds(2), adminUrl);
    }

    /// <summary>The file's path.</summary>
    public string File { get; }

    /// <summary>Writes the file; does not wait for the balancer.</summary>
    /// <param name="destinations">The replicas there are.</param>
    /// <exception cref="ClusterException">The file cannot be written.</exception>
    internal void Write(IEnumerable<Destination> destinations)
    {
        var all = new JsonObject();
        foreach (var destination in destinations)
        {
            var metadata = new JsonObject { [DestinationMetadata.Name] = destination.Name };
            if (destination.Leaves)
            {
                metadata[DestinationMetadata.Terminating] = "true";
            }

            all[destination.Id] = new JsonObject { ["Address"] = destination.Address, ["Metadata"] = metadata };
        }

        var clusters = new JsonObject { [Variables.Cluster] = new JsonObject { ["Destinations"] = all } };
        var whole = $"{File}.new";
        try
        {
            System.IO.File.WriteAllText(whole, new JsonObject { ["ReverseProxy"] = new JsonObject { ["Clusters"] = clusters } }.ToJsonString());
            // The load balancer never reads an incomplete file.
            System.IO.File.Move(whole, File, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"{File}, which tells the load balancer of its replicas, cannot be written: {e.Message}");
        }
    }

    /// <summary>Writes the file and waits until the balancer goes by it: those that leave get nothing new, the others have answered it.</summary>
    /// <param name="destinations">The replicas there are, all of them ready.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ClusterException">The file cannot be written, or the load balancer does not use it.</exception>
    internal async Task ChangeAsync(IReadOnlyCollection<Destination> destinations, CancellationToken cancellationToken)
    {
        Write(destinations);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConfirmationTimeout);
        try
        {
            while (!IsSeen(await ReplicasAsync(limit.Token), destinations))
            {
                await Task.Delay(Interval, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ClusterException($"The load balancer has not taken up the change of its replicas within {ConfirmationTimeout.Describe()}.");
        }
    }

    /// <summary>Waits until the load balancer waits for no more answers of some replicas that leave.</summary>
    /// <param name="destinations">The replicas.</param>
    /// <param name="limit">Gives up after that long.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task DrainAsync(IReadOnlyCollection<Destination> destinations, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var expired = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        expired.CancelAfter(limit);
        try
        {
            // Two samples: a request may have been assigned to a replica but not counted yet in the first.
            for (var idle = 0; idle < 2; await Task.Delay(Interval, expired.Token))
            {
                var replicas = await ReplicasAsync(expired.Token);
                idle = replicas is not null && destinations.All(destination => Of(replicas, destination) is null or { InFlight: 0 }) ? idle + 1 : 0;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The requests have had the time that the drain allows.
        }
    }

    /// <summary>How many requests the replica at an address has answered, as far as the load balancer knows.</summary>
    internal async Task<Func<Destination, long>> AnsweredAsync(CancellationToken cancellationToken)
    {
        var replicas = await ReplicasAsync(cancellationToken) ?? [];
        return destination => Of(replicas, destination) is { } replica ? replica.Light.SinceStart.Count + replica.Compute.SinceStart.Count : 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        System.IO.File.Delete(File);
    }

    private static bool IsSeen(ReplicaStatus[]? replicas, IReadOnlyCollection<Destination> destinations) =>
        replicas is not null && destinations.All(destination => Of(replicas, destination) is { } replica
            && (destination.Leaves ? replica.State is not (ReplicaState.Ready or ReplicaState.Busy) : !destination.IsNew || replica.State is ReplicaState.Ready or ReplicaState.Busy));

    private static ReplicaStatus? Of(ReplicaStatus[] replicas, Destination destination) =>
        Array.Find(replicas, replica => replica.Address == destination.Address);

    private async Task<ReplicaStatus[]?> ReplicasAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _http.GetFromJsonAsync("/api/replicas", ContractJson.Default.ReplicaStatusArray, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The load balancer does not run at the moment.
            return null;
        }
    }
}
