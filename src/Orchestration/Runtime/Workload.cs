using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Runtime;

/// <summary>One thing a runtime keeps running: a replica or the load balancer.</summary>
/// <param name="Name">Its name; kept over restarts.</param>
/// <param name="Core">The core it is pinned to, or null.</param>
/// <param name="Port">The loopback TCP port it is to be reached at, or null when <paramref name="Environment"/> says where it listens.</param>
/// <param name="Health">Says whether it is ready to serve.</param>
/// <param name="Alive">Says whether it is live.</param>
/// <param name="Environment">What it is told.</param>
public sealed record Workload(string Name, int? Core, int? Port, Uri Health, Uri Alive, IReadOnlyDictionary<string, string> Environment)
{
    // In seconds.
    private const string DrainDelay = "0.5";

    private static readonly string[] Environments = ["ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT"];

    /// <summary>What tells it from another of its name, while one replaces the other.</summary>
    public string Id { get; init; } = Name;

    /// <summary>The command-line arguments of its process.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Descriptors of this process that its process is to have too, by the same numbers.</summary>
    public IReadOnlyList<int> Descriptors { get; init; } = [];

    /// <summary>A replica.</summary>
    public static Workload Of(ReplicaPlan replica) =>
        new(replica.Name, replica.Core, replica.Port, new(replica.Address, Probes.Health), new(replica.Address, Probes.Alive), ServingOn(Readable(replica.Environment)))
        {
            Arguments = replica.Arguments,
        };

    /// <summary>The load balancer. Whether it is live is asked at its admin port: the public one may be full of clients.</summary>
    public static Workload Of(LoadBalancerPlan loadBalancer) =>
        new(LoadBalancerPlan.Name, null, null, new(loadBalancer.Url, Probes.Health), new(loadBalancer.AdminUrl, Probes.Alive), InDevelopment(WithAnyHost(Readable(loadBalancer.Environment)))) { Descriptors = loadBalancer.Descriptors };

    /// <summary>The load balancer, with sockets that it listens by and that another may listen by too: it is asked by its name whether it is ready.</summary>
    /// <param name="loadBalancer">The load balancer.</param>
    /// <param name="id">What tells it from another.</param>
    /// <param name="sockets">The sockets' descriptors.</param>
    public static Workload Of(LoadBalancerPlan loadBalancer, string id, IReadOnlyList<int> sockets)
    {
        var workload = Of(loadBalancer);
        var environment = new Dictionary<string, string>(workload.Environment) { [Variables.LoadBalancerInstance] = id };
        foreach (var (i, socket) in sockets.Index())
        {
            environment[$"{Variables.LoadBalancerSockets}{i}"] = $"{socket}";
        }

        return workload with { Id = id, Health = new(loadBalancer.AdminUrl, $"{Probes.Health}/{id}"), Environment = environment, Descriptors = [.. sockets, .. loadBalancer.Descriptors] };
    }

    /// <summary>The same on another core.</summary>
    public Workload On(int core) => this with
    {
        Core = core,
        Environment = new Dictionary<string, string>(Environment) { [Variables.ReplicaCore] = $"{core}" },
    };

    // When a signal reaches all processes at once, some requests are on their way to a replica.
    private static Dictionary<string, string> ServingOn(Dictionary<string, string> environment)
    {
        environment.TryAdd(Variables.DrainDelay, DrainDelay);
        return environment;
    }

    // Development unless set otherwise: the live page then offers the experiment.
    private static Dictionary<string, string> InDevelopment(Dictionary<string, string> environment)
    {
        if (!Environments.Any(name => environment.ContainsKey(name) || System.Environment.GetEnvironmentVariable(name) is not null))
        {
            environment[Environments[0]] = "Development";
        }

        return environment;
    }

    // Allowed host names and forwarded headers are settings of the service, which gets the client's host name and checks it.
    private static Dictionary<string, string> WithAnyHost(Dictionary<string, string> environment)
    {
        environment["AllowedHosts"] = "*";
        // LoadBalancer:TrustedProxies says which proxies the load balancer trusts.
        environment[Variables.ForwardedHeaders] = "false";
        return environment;
    }

    // One line for each log entry: two, each with the name in front, are hard to read.
    private static Dictionary<string, string> Readable(IReadOnlyDictionary<string, string> environment) =>
        new(environment) { ["Logging__Console__FormatterOptions__SingleLine"] = "true" };
}
