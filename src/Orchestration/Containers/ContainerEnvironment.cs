using System.Collections;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>What a containerised replica is told: what the plan says, and what the user has set for the service.</summary>
public static class ContainerEnvironment
{
    /// <summary>The port a replica listens at in its container.</summary>
    public const int Port = 8080;

    private const string Attributes = Variables.ResourceAttributes;

    // Not the service's: variables of the AppHost, of the load balancer and of this machine's processes.
    private static readonly string[] NotForReplicas = ["Cluster__", "LoadBalancer__", "ReverseProxy__", "Supervisor__", "Kestrel__"];

    /// <summary>What of this process' environment is configuration of the service.</summary>
    public static IReadOnlyDictionary<string, string> Inherited => ForReplicas(Environment.GetEnvironmentVariables());

    /// <summary>The environment of one replica.</summary>
    /// <param name="workload">The replica.</param>
    /// <param name="inherited">The AppHost's environment, where a process would find its configuration.</param>
    internal static Dictionary<string, string> Of(Workload workload, IDictionary inherited)
    {
        var environment = ForReplicas(inherited);
        environment.TryGetValue(Attributes, out var attributes);
        foreach (var (name, value) in workload.Environment)
        {
            environment[name] = value;
        }

        if (!string.IsNullOrEmpty(attributes) && workload.Environment.TryGetValue(Attributes, out var own))
        {
            environment[Attributes] = $"{attributes},{own}";
        }

        foreach (var (name, value) in Listening.At($"http://*:{Port}"))
        {
            environment[name] = value;
        }

        return environment;
    }

    private static Dictionary<string, string> ForReplicas(IDictionary inherited) => inherited.Cast<DictionaryEntry>()
        .Where(variable => IsForReplicas((string)variable.Key))
        .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value ?? "");

    private static bool IsForReplicas(string name) =>
        name is "ASPNETCORE_ENVIRONMENT" or "DOTNET_ENVIRONMENT"
        || name.StartsWith("OTEL_", StringComparison.Ordinal)
        || (name.Contains("__", StringComparison.Ordinal) && !name.StartsWith('_')
            && !Listening.IsSetBy(name) && !NotForReplicas.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)));
}
