using ClusterAspire.Orchestration.Options;

using ClusterAspire.Contract;

namespace ClusterAspire.Orchestration.Plan;

/// <summary>The load balancer: its ports and what it is told.</summary>
/// <param name="Port">The public TCP port.</param>
/// <param name="AdminPort">The TCP port of the live page, the metrics and the replica API.</param>
/// <param name="Environment">Its configuration, the replicas' addresses among it, as environment variables.</param>
public sealed record LoadBalancerPlan(int Port, int AdminPort, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>What the load balancer is called, in output and in telemetry.</summary>
    public const string Name = "loadbalancer";

    /// <summary>Where clients reach the service.</summary>
    public Uri Url => new($"http://{Loopback.Host}:{Port}");

    /// <summary>Where the live page, the metrics and the replica API are.</summary>
    public Uri AdminUrl => new($"http://{Loopback.Host}:{AdminPort}");

    /// <summary>Where clients reach the service besides.</summary>
    public IReadOnlyList<string> Listen { get; init; } = [];

    /// <summary>The descriptors among them, of sockets that this process was started with.</summary>
    public IReadOnlyList<int> Descriptors =>
        [.. Listen.Select(text => ListenAddress.TryParse(text, out var address) ? address.Descriptor : null).OfType<int>()];

    /// <summary>Plans a load balancer that has no destinations yet.</summary>
    /// <param name="options">What the user chose.</param>
    /// <param name="name">What it is called.</param>
    /// <exception cref="ClusterException">An option is not valid.</exception>
    public static LoadBalancerPlan Create(ClusterOptions options, string name = Name)
    {
        options.Validate();
        var environment = options.Settings.ToDictionary(setting => setting.Key.Replace(":", "__", StringComparison.Ordinal), setting => setting.Value);
        foreach (var (variable, value) in PlannedEnvironment.Of(name, name, options))
        {
            environment[variable] = value;
        }

        // Other services of this machine have load balancers of that name too.
        environment[Variables.ResourceAttributes] += $",service.namespace={options.Name}";
        // Loopback of IPv4 and IPv6, or of the only family that there is.
        environment[Variables.LoadBalancerUrl] = $"http://localhost:{options.Port}";
        environment[Variables.LoadBalancerAdminUrl] = $"http://localhost:{options.AdminPort}";
        if (options.Affinity is AffinityKind.Cookie)
        {
            environment[$"{Variables.Affinity}Enabled"] = "true";
            environment[$"{Variables.Affinity}Policy"] = "HashCookie";
            environment[$"{Variables.Affinity}FailurePolicy"] = "Redistribute";
            environment[$"{Variables.Affinity}AffinityKeyName"] = "clusteraspire-replica";
        }

        foreach (var (i, address) in options.Listen.Index())
        {
            environment[$"{Variables.LoadBalancerListen}{i}"] = address;
        }

        if (options.QueueLimit is { } limit)
        {
            environment[Variables.ComputeQueueLimit] = $"{limit}";
        }

        return new(options.Port, options.AdminPort, environment) { Listen = [.. options.Listen] };
    }

    /// <summary>The same load balancer with these replicas as its destinations.</summary>
    /// <param name="replicas">The replicas.</param>
    public LoadBalancerPlan WithDestinations(IEnumerable<ReplicaPlan> replicas) => this with
    {
        Environment = Environment.Concat(replicas.Select(replica => KeyValuePair.Create(
            Variables.DestinationAddress(replica.Name), replica.Address.GetLeftPart(UriPartial.Authority)))).ToDictionary(),
    };

    /// <summary>The same load balancer with the destinations that a file names, whatever they are at the time.</summary>
    /// <param name="file">The file's path.</param>
    public LoadBalancerPlan WithDestinationsFile(string file) => this with
    {
        Environment = Environment
            .Where(variable => !variable.Key.StartsWith(Variables.Destinations, StringComparison.Ordinal))
            .Append(new(Variables.DestinationsFile, file))
            .ToDictionary(),
    };

    /// <summary>Whether another plan has the same ports and the same environment.</summary>
    public bool HasSameSettings(LoadBalancerPlan other) =>
        (Port, AdminPort) == (other.Port, other.AdminPort)
        && Environment.Count == other.Environment.Count
        && Environment.All(variable => other.Environment.TryGetValue(variable.Key, out var value) && value == variable.Value);

    /// <summary>Makes sure that it can listen at both ports.</summary>
    /// <exception cref="ClusterException">A port is taken.</exception>
    public void EnsurePortsAreFree()
    {
        LoopbackPort.EnsureFree(Port, nameof(ClusterOptions.Port));
        LoopbackPort.EnsureFree(AdminPort, nameof(ClusterOptions.AdminPort));
    }
}
