using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Primitives;

namespace ClusterAspire.LoadBalancer.Discovery.Kubernetes;

/// <summary>Keeps up with one Service's EndpointSlices: lists them, watches what changes, and begins again after every break.</summary>
/// <remarks>
/// List, watch from the list's version, go on from the last version seen, list again when that is too old (410): the protocol
/// of the API (Kubernetes API Concepts: Efficient detection of changes).
/// </remarks>
internal sealed partial class EndpointSliceWatch(string service, TimeProvider time, ILogger logger) : IDisposable
{
    // Short enough to watch again before a pod that was replaced in the meantime is gone.
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);

    // A watch that ends sooner counts as failed.
    private static readonly TimeSpan ShortestWatch = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _end = new();
    private readonly EndpointSlices _slices = new();
    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Snapshot _latest = new([], LostAt: time.GetTimestamp());
    private string? _version;

    /// <summary>What is known now.</summary>
    public Snapshot Latest => _latest;

    /// <summary>Completes when the API has answered, or has failed to, for the first time.</summary>
    public Task Tried => _tried.Task;

    /// <summary>Begins.</summary>
    public EndpointSliceWatch Start()
    {
        _ = Task.Run(RunAsync);
        return this;
    }

    /// <inheritdoc/>
    public void Dispose() => _end.Cancel();

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_end.IsCancellationRequested)
        {
            long? listedAt = null;
            try
            {
                // A new client each time, because certificates are replaced too.
                using EndpointSliceClient client = new(service);
                await ListAsync(client);
                listedAt = time.GetTimestamp();
                while (true)
                {
                    await WatchAsync(client);
                }
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // The loop must not end: the next try may succeed.
                failures = listedAt is { } at && time.GetElapsedTime(at) > LongestPause ? 1 : failures + 1;
                // A connection may end at any time, and a version may be too old. Only a list that fails is worth a warning.
                if (failures > 1 && e is not HttpRequestException { StatusCode: HttpStatusCode.Gone })
                {
                    ReportLost(e);
                }
            }

            await Task.Delay(Pause(failures), time, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListAsync(EndpointSliceClient client)
    {
        var list = await client.ListAsync(_end.Token);
        _version = list.Metadata?.ResourceVersion;
        _slices.Replace(list.Items ?? []);
        Know();
    }

    private async Task WatchAsync(EndpointSliceClient client)
    {
        var (started, events) = (time.GetTimestamp(), 0);
        await foreach (var change in client.WatchAsync(_version, _end.Token))
        {
            events++;
            if (change.Type is "ERROR")
            {
                var status = change.Object.Deserialize(KubernetesJson.Default.Status);
                throw new HttpRequestException($"the watch ends: {status?.Message}", null, (HttpStatusCode?)status?.Code);
            }

            var slice = change.Object.Deserialize(KubernetesJson.Default.EndpointSlice) ?? throw new JsonException();
            _version = slice.Metadata?.ResourceVersion ?? _version;
            if (change.Type is "DELETED")
            {
                _slices.Remove(slice);
            }
            else if (change.Type is "ADDED" or "MODIFIED")
            {
                _slices.Set(slice);
            }

            Know();
        }

        if (events == 0 && time.GetElapsedTime(started) < ShortestWatch)
        {
            throw new IOException("the watch ended as it began");
        }
    }

    private void Know()
    {
        var before = _latest;
        var endpoints = _slices.Endpoints(before.Endpoints);
        if (before.LostAt is null && endpoints.SequenceEqual(before.Endpoints))
        {
            return;
        }

        Log.Known(logger, service, string.Join(", ", endpoints.Select(endpoint => endpoint.IsTerminating ? $"{endpoint.Name} (leaving)" : endpoint.Name)));
        Become(new(endpoints, LostAt: null));
    }

    private void ReportLost(Exception e)
    {
        if (_latest is { LostAt: null } or { Endpoints.Count: 0, IsExplained: false })
        {
            Log.Lost(logger, service, e.InnerException is null ? e.Message.TrimEnd('.') : $"{e.Message.TrimEnd('.')}: {e.InnerException.Message.TrimEnd('.')}", _latest.Endpoints.Count);
            Become(_latest with { LostAt = _latest.LostAt ?? time.GetTimestamp(), IsExplained = true, Changed = new() });
        }

        _tried.TrySetResult();
    }

    private void Become(Snapshot snapshot)
    {
        var before = _latest;
        _latest = snapshot;
        _tried.TrySetResult();
        before.Changed.Cancel();
    }

    // A random part of the pause, at least half of it, so that clients do not retry at the same time.
    private static TimeSpan Pause(int failures) =>
        TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(failures, 10))) * (0.5 + (Random.Shared.NextDouble() / 2));

    /// <summary>What is known at a time.</summary>
    /// <param name="Endpoints">The endpoints.</param>
    /// <param name="LostAt">The timestamp from which on they may be out of date; null while they are not.</param>
    internal sealed record Snapshot(IReadOnlyList<Endpoint> Endpoints, long? LostAt)
    {
        /// <summary>Whether the log says why it is lost.</summary>
        public bool IsExplained { get; init; }

        /// <summary>Cancelled when there is a later one.</summary>
        public CancellationTokenSource Changed { get; init; } = new();

        /// <summary>When to look again.</summary>
        public IChangeToken ChangeToken => new CancellationChangeToken(Changed.Token);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Service} is {Endpoints}")]
        public static partial void Known(ILogger logger, string service, string endpoints);

        [LoggerMessage(LogLevel.Warning, "The EndpointSlices of {Service} cannot be watched ({Reason}). DNS stands in until they can, with the {Count} endpoints known last.")]
        public static partial void Lost(ILogger logger, string service, string reason, int count);
    }
}
