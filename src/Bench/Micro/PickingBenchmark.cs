using BenchmarkDotNet.Attributes;
using ClusterAspire.LoadBalancer.Balancing;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.Bench;

/// <summary>What picking a replica costs, ours beside YARP's own policies.</summary>
// BenchmarkDotNet derives from this class.
public class PickingBenchmark : IDisposable
{
    private readonly DefaultHttpContext _context = new();
    private ServiceProvider? _services;
    private DestinationState[] _destinations = [];
    private ClusterState _cluster = new("service");
    private CoreAwarePolicy? _coreAware;
    private UpstreamCatalog? _replicas;
    private ILoadBalancingPolicy? _leastRequests;
    private ILoadBalancingPolicy? _powerOfTwo;

    /// <summary>The numbers of replicas that are compared.</summary>
    public static IEnumerable<int> Numbers => MicroBenchmarks.IsQuick ? [2, 64, 4096] : [2, 8, 64, 512, 4096];

    /// <summary>How many replicas there are.</summary>
    [ParamsSource(nameof(Numbers))]
    public int Replicas { get; set; }

    /// <summary>Makes replicas that are all idle.</summary>
    [GlobalSetup(Targets = [nameof(Idle)])]
    public void SetUpIdle() => SetUp(busy: false);

    /// <summary>Makes replicas that all have a request in flight, so that all must be looked at.</summary>
    [GlobalSetup(Targets = [nameof(Busy), nameof(LeastRequests), nameof(PowerOfTwo)])]
    public void SetUpBusy() => SetUp(busy: true);

    /// <summary>Ours, some replica idle.</summary>
    [Benchmark(Description = "CoreAware, idle replicas")]
    public DestinationState? Idle() => _coreAware!.PickDestination(_context, _cluster, _destinations);

    /// <summary>Ours, none idle.</summary>
    [Benchmark(Description = "CoreAware, busy replicas")]
    public DestinationState? Busy() => _coreAware!.PickDestination(_context, _cluster, _destinations);

    /// <summary>YARP's.</summary>
    [Benchmark(Description = "YARP LeastRequests")]
    public DestinationState? LeastRequests() => _leastRequests!.PickDestination(_context, _cluster, _destinations);

    /// <summary>YARP's default.</summary>
    [Benchmark(Description = "YARP PowerOfTwoChoices")]
    public DestinationState? PowerOfTwo() => _powerOfTwo!.PickDestination(_context, _cluster, _destinations);

    /// <inheritdoc/>
    [GlobalCleanup]
    public void Dispose()
    {
        _services?.Dispose();
        GC.SuppressFinalize(this);
    }

    private void SetUp(bool busy)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddReverseProxy();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<UpstreamCatalog>();
        services.AddSingleton<CoreAwarePolicy>();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        _services = services.BuildServiceProvider();

        _coreAware = _services.GetRequiredService<CoreAwarePolicy>();
        _replicas = _services.GetRequiredService<UpstreamCatalog>();
        var policies = _services.GetServices<ILoadBalancingPolicy>().ToDictionary(policy => policy.Name);
        _leastRequests = policies[LoadBalancingPolicies.LeastRequests];
        _powerOfTwo = policies[LoadBalancingPolicies.PowerOfTwoChoices];
        _destinations = [.. Enumerable.Range(0, Replicas).Select(i => new DestinationState($"replica-{i}"))];
        _cluster = new ClusterState("service");
        foreach (var destination in _destinations)
        {
            // The catalog knows the replicas, as in a balancer that has run for some time.
            var replica = _replicas[destination];
            if (busy)
            {
                replica.Begin();
            }
        }
    }
}
