using System.Collections.Concurrent;
using System.Globalization;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>
/// The article's experiment through the public port: <c>/slow</c> on every core and <c>/fast</c> at a steady rate,
/// for ten seconds. One at a time, on loopback, in development.
/// </summary>
internal sealed class Experiment(
    UpstreamCatalog replicas, IOptions<LoadBalancerOptions> options, IHostEnvironment environment, IHostApplicationLifetime lifetime, TimeProvider time)
{
    /// <summary>How long it sends requests.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(500);

    private ConcurrentQueue<ChartPoint> _fast = new();
    private ConcurrentQueue<ChartPoint> _slow = new();
    private int _failed;
    private int _running;

    /// <summary>There is something new to draw.</summary>
    public event Action? Changed;

    /// <summary>Why it may not run here, or null when it may.</summary>
    public string? WhyNot =>
        !environment.IsDevelopment() ? "Off: it puts load on the service, so it runs in the Development environment only."
        : !options.Value.Url.IsLoopback ? $"Off: it runs on loopback only, and this load balancer listens on {options.Value.Url.Host}."
        : null;

    /// <summary>Whether it is running.</summary>
    public bool IsRunning => Volatile.Read(ref _running) == 1;

    /// <summary>Answered <c>/fast</c> requests: when each was due (s), and how long after that it was answered (ms).</summary>
    public IReadOnlyList<ChartPoint> Fast => [.. _fast];

    /// <summary>Answered <c>/slow</c> requests: when each was answered (s), and how long it took (ms).</summary>
    public IReadOnlyList<ChartPoint> Slow => [.. _slow];

    /// <summary>What came of it, in one sentence.</summary>
    public string? Result { get; private set; }

    /// <summary>Runs it, unless it is running or may not.</summary>
    public async Task RunAsync()
    {
        if (WhyNot is not null || Interlocked.Exchange(ref _running, 1) == 1)
        {
            return;
        }

        (_fast, _slow, _failed, Result) = (new(), new(), 0, null);
        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
            end.CancelAfter(Duration);
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = options.Value.Url, Timeout = Duration };
            var cores = replicas.All.Where(replica => replica.IsAvailable).Sum(replica => replica.Slots);
            var started = time.GetTimestamp();

            await Task.WhenAll(
                [SendFastAsync(http, started, end.Token), ShowAsync(end.Token), .. Enumerable.Range(0, cores).Select(_ => SendSlowAsync(http, started, end.Token))]);
            Result = Conclude(cores);
        }
        finally
        {
            Volatile.Write(ref _running, 0);
            Changed?.Invoke();
        }
    }

    private async Task SendSlowAsync(HttpClient http, long started, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            var sent = time.GetElapsedTime(started);
            if (await TryAsync(http, "/slow", end))
            {
                var now = time.GetElapsedTime(started);
                _slow.Enqueue(new(now.TotalSeconds, (now - sent).TotalMilliseconds));
            }
            else
            {
                // Waits, so that a service that refuses is not flooded.
                await Task.Delay(Redraw, time, CancellationToken.None);
            }
        }
    }

    private async Task SendFastAsync(HttpClient http, long started, CancellationToken end)
    {
        var requests = new List<Task>();
        for (var due = TimeSpan.Zero; due < Duration && !end.IsCancellationRequested; due += Pause)
        {
            var early = due - time.GetElapsedTime(started);
            if (early > TimeSpan.Zero)
            {
                await Task.Delay(early, time, CancellationToken.None);
            }

            requests.Add(SendAsync(due));
        }

        await Task.WhenAll(requests);

        // Measured from the time at which the request was due, so that waiting counts (coordinated omission).
        async Task SendAsync(TimeSpan due)
        {
            // A timer may be early.
            var from = TimeSpan.FromTicks(Math.Min(due.Ticks, time.GetElapsedTime(started).Ticks));
            if (await TryAsync(http, "/fast", lifetime.ApplicationStopping))
            {
                _fast.Enqueue(new(due.TotalSeconds, (time.GetElapsedTime(started) - from).TotalMilliseconds));
            }
        }
    }

    private async Task ShowAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            Changed?.Invoke();
            await Task.Delay(Redraw, time, CancellationToken.None);
        }
    }

    private async Task<bool> TryAsync(HttpClient http, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync(path, cancellationToken);
            if (response.IsSuccessStatusCode)
            {
                return true;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
        }

        Interlocked.Increment(ref _failed);
        return false;
    }

    private string Conclude(int cores)
    {
        double[] fast = [.. _fast.Select(point => point.Y).Order()], slow = [.. _slow.Select(point => point.Y).Order()];
        var failed = _failed == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({_failed} requests failed)");
        if (fast.Length == 0)
        {
            return $"No /fast request was answered{failed}.";
        }

        var busy = slow.Length == 0
            ? $"/slow requests that took longer than {Duration.TotalSeconds} s"
            : $"{slow.Length} /slow requests ({Figures.Latency(At(slow, 0.5))} in the median)";
        var heavy = slow.Length > 0 ? At(slow, 0.5) : Duration.TotalMilliseconds;
        var verdict = At(fast, 0.99) < heavy / 10 ? "light requests do not wait for heavy ones" : "light requests were slowed down";
        return $"While {cores} {(cores == 1 ? "core" : "cores")} worked on {busy}, {fast.Length} /fast requests took {Figures.Latency(At(fast, 0.5))} in the median and {Figures.Latency(At(fast, 0.99))} at p99{failed}: {verdict}.";
    }

    private static double At(double[] sorted, double share) => sorted[Math.Max((int)Math.Ceiling(sorted.Length * share) - 1, 0)];
}
