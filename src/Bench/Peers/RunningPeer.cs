using System.Diagnostics;
using System.Net;

namespace ClusterAspire.Bench;

/// <summary>A peer that serves, until it is disposed.</summary>
/// <param name="url">Where it serves.</param>
/// <param name="processes">Its processes, stopped in this order.</param>
internal sealed class RunningPeer(Uri url, params IReadOnlyList<IAsyncDisposable> processes) : IAsyncDisposable
{
    /// <summary>How long a peer may take until it serves, unless said.</summary>
    public static readonly TimeSpan UsualStartLimit = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    // A new connection for each request: a server that balances connections would always choose the same replica otherwise.
    private static readonly HttpClient Client = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, ConnectTimeout = TimeSpan.FromSeconds(2) })
    {
        Timeout = TimeSpan.FromSeconds(5),
    };

    private int _pid;

    /// <summary>Where it serves.</summary>
    public Uri Url => url;

    /// <summary>Where it serves HTTPS, or null.</summary>
    public Uri? Secure { get; init; }

    /// <summary>Where its live page is, or null when it has none.</summary>
    public Uri? Admin { get; init; }

    /// <summary>Process ids of its replicas at present; empty where they cannot be told.</summary>
    public Func<Task<IReadOnlyList<Worker>>> Workers { get; init; } = () => Task.FromResult<IReadOnlyList<Worker>>([]);

    /// <summary>How long it may take until it serves.</summary>
    public TimeSpan StartLimit { get; init; } = UsualStartLimit;

    /// <summary>How long it took from the command to the first 200.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <summary>CPU time its process and that one's children have used; zero where it cannot be told.</summary>
    public TimeSpan CpuTime => ProcessTree.Descendants(_pid).Prepend(_pid)
        .Aggregate(TimeSpan.Zero, (sum, pid) => sum + ProcessTree.CpuTime(pid));

    /// <summary>Memory of its process and that one's children, in MB (10^6 bytes), what they share counted once.</summary>
    public double Memory => ProcessTree.Descendants(_pid).Prepend(_pid).Sum(pid => ProcessTree.Memory(pid).Proportional);

    /// <summary>Waits until it serves.</summary>
    /// <param name="started">The <see cref="Stopwatch"/> timestamp of its start.</param>
    /// <param name="process">The process whose end means failure.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<RunningPeer> ServesAsync(long started, ChildProcess process, CancellationToken cancellationToken)
    {
        _pid = process.Pid;
        try
        {
            while (await AskAsync(cancellationToken) is null)
            {
                if (process.HasExited || Stopwatch.GetElapsedTime(started) > StartLimit)
                {
                    throw new BenchException($"{Path.GetFileNameWithoutExtension(process.Log)} does not serve; see {process.Log}.");
                }

                await Task.Delay(Pause, cancellationToken);
            }

            StartTime = Stopwatch.GetElapsedTime(started);
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks for /fast once on a new connection.</summary>
    /// <returns>The replica that answered, empty when it does not say; null when nobody answered 200.</returns>
    public async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, "fast"));
            request.Headers.ConnectionClose = true;
            using var response = await Client.SendAsync(request, cancellationToken);
            return response.StatusCode is not HttpStatusCode.OK ? null
                : response.Headers.TryGetValues("X-Replica", out var replica) ? replica.First() : "";
        }
        catch (Exception exception) when (exception is HttpRequestException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in processes)
        {
            await process.DisposeAsync();
        }
    }
}
