using BenchmarkDotNet.Attributes;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Compute;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.Bench;

/// <summary>What recording a request costs: for the live page, and for OpenTelemetry.</summary>
// BenchmarkDotNet derives from this class.
public class TelemetryBenchmark : IDisposable
{
    private static readonly TimeSpan Duration = TimeSpan.FromMilliseconds(1.234);

    private readonly DefaultHttpContext _context = new();
    private ServiceProvider? _services;
    private MeterProvider? _provider;
    private BalancerMetrics? _metrics;
    private Upstream? _replica;

    /// <summary>Nobody listens.</summary>
    [GlobalSetup(Targets = [nameof(History), nameof(Unheard)])]
    public void SetUp() => SetUp(listening: false);

    /// <summary>OpenTelemetry's SDK listens.</summary>
    [GlobalSetup(Targets = [nameof(Heard)])]
    public void SetUpListening() => SetUp(listening: true);

    /// <summary>Percentiles of the live page and the replica API.</summary>
    [Benchmark(Description = "record for the live page")]
    public void History() => _replica!.Light.Record(Duration);

    /// <summary>The metric while nobody listens.</summary>
    [Benchmark(Description = "record a metric, nobody listens")]
    public void Unheard() => _metrics!.Answered(_replica!, "GET", 200, "{**path}", Duration);

    /// <summary>The metric while it is collected, as it always is for /metrics.</summary>
    [Benchmark(Description = "record a metric, OpenTelemetry listens")]
    public void Heard() => _metrics!.Answered(_replica!, "GET", 200, "{**path}", Duration);

    /// <inheritdoc/>
    [GlobalCleanup]
    public void Dispose()
    {
        _provider?.Dispose();
        _services?.Dispose();
        GC.SuppressFinalize(this);
    }

    private void SetUp(bool listening)
    {
        var services = new ServiceCollection();
        services.AddLogging().AddMetrics().AddReverseProxy();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        services.AddSingleton(Options.Create(new LoadBalancerOptions()));
        services.AddSingleton<UpstreamCatalog>();
        services.AddSingleton<CoreAwarePolicy>();
        services.AddSingleton<ReadyDestinationsPolicy>();
        services.AddSingleton<ComputeQueue>();
        services.AddSingleton<BalancerMetrics>();
        _services = services.BuildServiceProvider();

        if (listening)
        {
            _provider = Sdk.CreateMeterProviderBuilder()
                .AddMeter(BalancerMetrics.Name)
                .AddReader(new PeriodicExportingMetricReader(new NoExporter()))
                .Build();
        }

        _metrics = _services.GetRequiredService<BalancerMetrics>();
        _replica = _services.GetRequiredService<UpstreamCatalog>()[new DestinationState("replica-0", new DestinationModel(new DestinationConfig()))];
        _context.Request.Method = HttpMethods.Get;
    }

    private sealed class NoExporter : BaseExporter<Metric>
    {
        public override ExportResult Export(in Batch<Metric> batch) => ExportResult.Success;
    }
}
