using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>
/// Clients that send one request after the other over kept-alive connections. New connections go to the load balancers in
/// turn, as kube-proxy has it.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly HttpClient _client;
    private readonly List<Task> _clients;
    private volatile IReadOnlyList<Pod> _loadBalancers;
    private int _connections;
    private int _requests;

    public Load(params IReadOnlyList<Pod> loadBalancers)
    {
        _loadBalancers = loadBalancers;
        _client = new(new SocketsHttpHandler { ConnectCallback = ConnectAsync }) { BaseAddress = new("http://service"), Timeout = Eventually.Limit };

        // POST is not repeated by anybody: the service says 405 to it, somebody has to be there to say so.
        _clients =
        [
            .. Enumerable.Range(0, 4).Select(_ => SendAsync(HttpMethod.Get, "/fast", HttpStatusCode.OK)),
            .. Enumerable.Range(0, 4).Select(_ => SendAsync(HttpMethod.Post, "/fast", HttpStatusCode.MethodNotAllowed)),
            .. Enumerable.Range(0, 2).Select(_ => SendAsync(HttpMethod.Get, "/slow?iterations=100000000", HttpStatusCode.OK)),
        ];
    }

    /// <summary>Requests that were not answered as they should be.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>How many requests have been answered.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Where new connections go from now on.</summary>
    public void GoTo(params IReadOnlyList<Pod> loadBalancers) => _loadBalancers = loadBalancers;

    /// <summary>Waits until some more requests have been sent.</summary>
    public Task GoOnAsync()
    {
        var before = Requests;
        return Eventually.BecomesAsync(
            () => Task.FromResult((Requests, Failures: string.Join("\n", _failures))), seen => seen.Requests > before + 200, "requests are answered");
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_clients);
        _client.Dispose();
        _end.Dispose();
    }

    private async Task SendAsync(HttpMethod method, string path, HttpStatusCode expected)
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                using HttpRequestMessage request = new(method, path);
                using var response = await _client.SendAsync(request, _end.Token);
                if (response.StatusCode != expected)
                {
                    _failures.Enqueue($"{method} {path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                }

                Interlocked.Increment(ref _requests);
                await Task.Delay(5);
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                _failures.Enqueue($"{method} {path}: {e.Message} {e.InnerException?.Message}");
            }
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var loadBalancers = _loadBalancers;
        var pod = loadBalancers[Interlocked.Increment(ref _connections) % loadBalancers.Count];
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(pod.Address, pod.Url.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
