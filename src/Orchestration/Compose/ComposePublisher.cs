using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using YamlDotNet.Serialization;

namespace ClusterAspire.Orchestration.Compose;

/// <summary>Writes the plan as a file of Docker Compose: a service for each replica, on a core of its own, and the load balancer.</summary>
/// <param name="options">What the user chose.</param>
/// <param name="serviceImage">The service's image.</param>
/// <param name="loadBalancerImage">The load balancer's image.</param>
public sealed class ComposePublisher(ClusterOptions options, string serviceImage, string loadBalancerImage)
{
    private const int Port = ContainerEnvironment.Port;
    private const int AdminPort = 8081;

    private static readonly ISerializer Yaml = new SerializerBuilder().WithIndentedSequences().WithQuotingNecessaryStrings().WithNewLine("\n").DisableAliases().Build();

    /// <summary>The file's text.</summary>
    /// <param name="machine">The machine that it is for.</param>
    /// <exception cref="ClusterException">An option is not valid, or cannot be used with Compose.</exception>
    public string Publish(Machine machine)
    {
        // The ports of this machine do not matter: each container has its own.
        var plan = ClusterPlan.Create(options, machine with { IsFree = _ => true });
        if (options.RunnerOnly().Concat(options.Listen.Count > 0 ? [nameof(options.Listen)] : []).FirstOrDefault() is { } name)
        {
            throw new ClusterException($"{ClusterOptions.Switch(name)} is the runner's, and containers are Compose's: leave it out.");
        }

        var services = plan.Replicas.ToDictionary(replica => replica.Name, replica => Service(serviceImage, replica));
        services[LoadBalancerPlan.Name] = Balancer(plan);
        return $"# Written by clusteraspire publish compose.\n{Yaml.Serialize(new Dictionary<string, object> { ["name"] = plan.Name, ["services"] = services })}";
    }

    private Dictionary<string, object> Service(string image, ReplicaPlan replica)
    {
        var service = Container(image, new(replica.Environment) { [Variables.HttpPorts] = $"{Port}" });
        if (replica.Core is { } core)
        {
            service["cpuset"] = $"{core}";
        }

        if (options.Memory is { } memory)
        {
            service["mem_limit"] = memory;
        }

        if (replica.Arguments.Count > 0)
        {
            service["command"] = replica.Arguments;
        }

        return service;
    }

    private Dictionary<string, object> Balancer(ClusterPlan plan)
    {
        var environment = new Dictionary<string, string>(plan.LoadBalancer.Environment)
        {
            [Variables.LoadBalancerUrl] = $"http://[::]:{Port}",
            // Published to this machine's loopback only. Without a token the load balancer creates one and logs it.
            [Variables.LoadBalancerAdminUrl] = $"http://[::]:{AdminPort}",
            [Variables.HoldSockets] = "true",
        };
        foreach (var replica in plan.Replicas)
        {
            environment[Variables.DestinationAddress(replica.Name)] = $"http://{replica.Name}:{Port}";
        }

        var service = Container(loadBalancerImage, environment);
        ((Dictionary<string, string>)service["environment"])[Variables.LoadBalancerAdminToken] = "${ADMIN_TOKEN:-}";
        service["ports"] = (string[])[$"127.0.0.1:{options.Port}:{Port}", $"127.0.0.1:{options.AdminPort}:{AdminPort}"];
        service["depends_on"] = plan.Replicas.Select(replica => replica.Name).ToList();
        return service;
    }

    private Dictionary<string, object> Container(string image, Dictionary<string, string> environment) => new()
    {
        ["image"] = image,
        ["restart"] = "always",
        ["stop_grace_period"] = $"{Math.Ceiling(options.DrainTimeout) + 5}s",
        ["read_only"] = true,
        ["tmpfs"] = (string[])["/tmp"],
        ["cap_drop"] = (string[])["ALL"],
        ["security_opt"] = (string[])["no-new-privileges:true"],
        // Compose replaces what follows a single $ by one of its variables.
        ["environment"] = environment.OrderBy(variable => variable.Key, StringComparer.Ordinal)
            .ToDictionary(variable => variable.Key, variable => variable.Value.Replace("$", "$$", StringComparison.Ordinal)),
    };
}
