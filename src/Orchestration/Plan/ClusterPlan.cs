using System.Globalization;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Orchestration.Plan;

/// <summary>Which replica runs where: the one source of truth for every target.</summary>
/// <param name="Name">The service's name.</param>
/// <param name="Replicas">The replicas, in order of their number.</param>
/// <param name="LoadBalancer">The load balancer in front of them.</param>
/// <param name="DrainTimeout">How long requests in flight may take to finish when the cluster stops.</param>
/// <param name="Warnings">What the user should know about this plan, one sentence each.</param>
public sealed record ClusterPlan(
    string Name,
    IReadOnlyList<ReplicaPlan> Replicas,
    LoadBalancerPlan LoadBalancer,
    TimeSpan DrainTimeout,
    IReadOnlyList<string> Warnings)
{
    /// <summary>Whether a second process waits behind each, to take over when that dies.</summary>
    public bool Standby { get; init; }

    /// <summary>When something that was started counts as hung.</summary>
    public required LivenessLimits Liveness { get; init; }

    /// <summary>When a replica that serves is replaced all the same.</summary>
    public RestartLimits Restart { get; init; } = new(null, null, null);

    /// <summary>How many replicas start at a time.</summary>
    public int StartWave { get; init; } = int.MaxValue;

    private ClusterOptions Options { get; init; } = new();

    private Machine? Machine { get; init; }

    // Linux hands out 32768 and up to outgoing connections, macOS and Windows 49152 and up. Staying below, a replica that
    // restarts never finds its port taken by a connection that was made meanwhile.
    private const int LowestReplicaPort = 20000;
    private const int ReplicaPorts = 10000;

    /// <summary>Makes the plan.</summary>
    /// <param name="options">What the user chose.</param>
    /// <param name="machine">Where the replicas will run.</param>
    /// <param name="atLeast">How many replicas to plan even if the user chose fewer.</param>
    /// <exception cref="ClusterException">An option is not valid.</exception>
    public static ClusterPlan Create(ClusterOptions options, Machine machine, int atLeast = 1)
    {
        options.Validate();

        var count = Math.Max(atLeast, options.ReplicaCount(Auto(machine)));
        var ports = PlanPorts(options, machine, count);
        var replicas = ports.Select((port, i) => PlanReplica(options, machine, count, i, port)).ToList();
        return new(options.Name, replicas, LoadBalancerPlan.Create(options).WithDestinations(replicas), TimeSpan.FromSeconds(options.DrainTimeout), [.. Warn(options, machine, count)])
        {
            Standby = options.Standby,
            Liveness = LivenessLimits.Of(options),
            Restart = RestartLimits.Of(options),
            StartWave = options.StartWave ?? machine.Cores.Count,
            Options = options,
            Machine = machine,
        };
    }

    /// <summary>Plans one more replica, or one in the place of another.</summary>
    /// <param name="number">Its number, which names it and gives it its core.</param>
    /// <param name="taken">The ports that replicas have, or had a moment ago: the balancer may still have connections to them.</param>
    /// <exception cref="ClusterException">There is no free port.</exception>
    public ReplicaPlan Replica(int number, IReadOnlySet<int> taken) =>
        PlanReplica(Options, Machine!, Replicas.Count, number, PortsFor(Options, Machine!).FirstOrDefault(port => !taken.Contains(port)) is > 0 and var port ? port : throw NoPort(1, 0));

    /// <summary>How many replicas are meant.</summary>
    /// <param name="replicas">A number, or <c>auto</c> for one per core.</param>
    /// <exception cref="ClusterException">It is neither.</exception>
    public int Count(string replicas) => new ClusterOptions { Replicas = replicas }.ReplicaCount(Auto(Machine!));

    /// <summary>Makes sure that everything the plan starts can listen where it should.</summary>
    /// <exception cref="ClusterException">A port is taken.</exception>
    public void EnsurePortsAreFree()
    {
        LoadBalancer.EnsurePortsAreFree();
        foreach (var replica in Replicas)
        {
            LoopbackPort.EnsureFree(replica.Port, nameof(ClusterOptions.ReplicaPort));
        }
    }

    private static int Auto(Machine machine) => Math.Min(machine.Processors, machine.Cores.Count);

    private static ReplicaPlan PlanReplica(ClusterOptions options, Machine machine, int count, int number, int port)
    {
        var name = $"replica-{number}";
        var environment = new Dictionary<string, string>(options.Environment);
        // Only the load balancer can reach it.
        environment.TryAdd(Variables.ForwardedHeaders, "true");
        foreach (var (variable, value) in PlannedEnvironment.Of(name, options.Name, options))
        {
            environment[variable] = value;
        }

        if (options.LaneQueueLimit is { } limit)
        {
            environment[Variables.LaneQueueLimit] = $"{limit}";
        }

        int? core = options.Pin && machine.Pins ? machine.Cores[number % machine.Cores.Count] : null;
        var processors = 1;
        if (core is not null)
        {
            environment[Variables.ReplicaCore] = $"{core}";
        }
        else
        {
            // Unpinned replicas too take only as much work as their share of the cores can do.
            processors = Math.Max(1, (machine.Processors + count - 1) / count);
            environment[Variables.ProcessorCount] = $"{processors}";
        }

        if (processors == 1)
        {
            environment.TryAdd(Variables.ThreadPoolSpinLimit, Variables.NoThreadPoolSpin);
        }

        return new(name, core, port, environment) { Arguments = [.. options.Args] };
    }

    private static List<int> PlanPorts(ClusterOptions options, Machine machine, int count)
    {
        int[] own = [options.Port, options.AdminPort];
        if (options.ReplicaPort is not 0)
        {
            var chosen = Enumerable.Range(options.ReplicaPort, count).ToList();
            return chosen[^1] > 65535 || chosen.Intersect(own).Any()
                ? throw new ClusterException(
                    $"{ClusterOptions.Switch(nameof(options.ReplicaPort))} must leave {count} ports for the replicas, up to 65535 and apart from {own[0]} and {own[1]}, not '{options.ReplicaPort}'.")
                : chosen;
        }

        var ports = PortsFor(options, machine).Take(count).ToList();
        return ports.Count == count ? ports : throw NoPort(count, ports.Count);
    }

    // The search starts at a port that depends on the public one, so that clusters side by side seldom try the same ports.
    private static IEnumerable<int> PortsFor(ClusterOptions options, Machine machine) =>
        (options.ReplicaPort is not 0 and var first
            ? Enumerable.Range(first, 65536 - first)
            : Enumerable.Range(options.Port * 16, ReplicaPorts).Select(port => LowestReplicaPort + port % ReplicaPorts))
        .Where(port => port != options.Port && port != options.AdminPort && machine.IsFree(port));

    private static ClusterException NoPort(int count, int free) => LoopbackPort.Unusable() ?? new(
        $"{count} replica{(count is 1 ? " needs a free port" : "s need as many free ports")}, and from {LowestReplicaPort} to {LowestReplicaPort + ReplicaPorts - 1} there are only {free}: choose others by {ClusterOptions.Switch(nameof(ClusterOptions.ReplicaPort))}.");

    private static IEnumerable<string> Warn(ClusterOptions options, Machine machine, int count)
    {
        if (options.Pin && !machine.Pins)
        {
            yield return "This operating system cannot pin processes to cores, so the replicas move freely; each takes on no more work than its share of the cores can do.";
        }

        if (count > machine.Cores.Count)
        {
            yield return $"{count} replicas share {machine.Cores.Count} core{(machine.Cores.Count is 1 ? "" : "s")}, so some slow each other down: --replicas auto gives each its own.";
        }
        else if (options.Pin && count > machine.Processors)
        {
            yield return $"{count} replicas share a CPU quota of {machine.Processors}, so some slow each other down: --replicas auto starts as many as the quota allows.";
        }
    }
}
