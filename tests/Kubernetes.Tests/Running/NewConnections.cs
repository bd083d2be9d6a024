using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Clients that make a new connection for each request.</summary>
internal sealed class NewConnections : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Eventually.Limit };
    private readonly List<Task> _clients;
    private int _kills;
    private int _answers;

    public NewConnections(Pod loadBalancer)
    {
        _client.DefaultRequestHeaders.ConnectionClose = true;
        _clients = [.. Enumerable.Range(0, 8).Select(_ => SendAsync(new(loadBalancer.Url, "/fast")))];
    }

    /// <summary>Connections that were refused, and requests without an answer that are not excused by <see cref="KillAsync"/>.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Kills a process, and waits until it is gone: requests that are on their way until then may be cut, but no connection be refused.</summary>
    public async Task KillAsync(int pid)
    {
        // Odd while it is being killed.
        Interlocked.Increment(ref _kills);
        await Processes.KillAsync(pid);
        Interlocked.Increment(ref _kills);
    }

    /// <summary>Waits until some more requests have been answered.</summary>
    public Task GoOnAsync()
    {
        var before = Volatile.Read(ref _answers);
        return Eventually.BecomesAsync(
            () => Task.FromResult((Answers: Volatile.Read(ref _answers), Failures: string.Join("\n", _failures))), seen => seen.Answers > before + 200, "requests are answered");
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_clients);
        _client.Dispose();
        _end.Dispose();
    }

    private async Task SendAsync(Uri url)
    {
        while (!_end.IsCancellationRequested)
        {
            var kills = Volatile.Read(ref _kills);
            try
            {
                using var response = await _client.GetAsync(url, _end.Token);
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    _failures.Enqueue($"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                }

                Interlocked.Increment(ref _answers);
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                var mayBeCut = int.IsOddInteger(kills) || kills != Volatile.Read(ref _kills);
                if (!mayBeCut || e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
                {
                    _failures.Enqueue($"{e.Message} {e.InnerException?.Message}");
                }
            }
        }
    }
}
