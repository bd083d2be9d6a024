using System.Globalization;
using ClusterAspire.Contract;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>What the pods of the service and of the load balancer have in common.</summary>
internal static class Pods
{
    /// <summary>The value of the label <c>app.kubernetes.io/part-of</c>.</summary>
    public const string PartOf = "clusteraspire";

    /// <summary>The TCP port both listen at in their pods.</summary>
    public const int Port = 8080;

    /// <summary>How long requests in flight may take to finish: on a laptop Ctrl+C should not take long, in a cluster nobody waits.</summary>
    public static readonly TimeSpan LeastDrainTimeout = TimeSpan.FromSeconds(60);

    /// <summary>The recommended labels.</summary>
    public static Dictionary<string, string> Labels(string name, string component) => new(Selector(name))
    {
        ["app.kubernetes.io/component"] = component,
        ["app.kubernetes.io/part-of"] = PartOf,
    };

    /// <summary>The labels that pods are selected by; unlike others they can never change.</summary>
    public static Dictionary<string, string> Selector(string name) => new() { ["app.kubernetes.io/name"] = name };

    /// <summary>The name and labels of an object.</summary>
    public static object Metadata(string name, Dictionary<string, string> labels) => new { Name = name, Labels = labels };

    /// <summary>The environment every pod has: what the plan says, but the name, which is the pod's own.</summary>
    /// <param name="planned">What the plan says.</param>
    /// <param name="own">What these pods have besides; the last of a name counts.</param>
    public static IEnumerable<KeyValuePair<string, object>> Environment(IReadOnlyDictionary<string, string> planned, params IEnumerable<KeyValuePair<string, object>> own)
    {
        Dictionary<string, object> environment = new()
        {
            [Variables.ReplicaName] = Field("metadata.name"),
            ["K8S_NAMESPACE"] = Field("metadata.namespace"),
            ["K8S_NODE"] = Field("spec.nodeName"),
        };
        foreach (var (name, value) in planned.Where(variable => variable.Key is not Variables.ReplicaName))
        {
            environment[name] = value;
        }

        environment[Variables.ResourceAttributes] =
            "service.instance.id=$(Replica__Name),k8s.pod.name=$(Replica__Name),k8s.namespace.name=$(K8S_NAMESPACE),k8s.node.name=$(K8S_NODE)";
        foreach (var (name, value) in own)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <summary>A budget for what evicts pods, such as the drain of a node: one at a time.</summary>
    public static Manifest Budget(string name, Dictionary<string, string> labels) => new(
        "A node that is drained takes one pod at a time; a pod that is ill anyway is no reason to wait.",
        new
        {
            ApiVersion = "policy/v1",
            Kind = "PodDisruptionBudget",
            Metadata = Metadata(name, labels),
            Spec = new
            {
                MaxUnavailable = 1,
                UnhealthyPodEvictionPolicy = "AlwaysAllow",
                Selector = new { MatchLabels = Selector(name) },
            },
        });

    /// <summary>A number of seconds, as the configuration reads it.</summary>
    public static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(CultureInfo.InvariantCulture);

    /// <summary>A variable's value that is a field of the pod's.</summary>
    public static object Field(string path) => new { FieldRef = new { FieldPath = path } };
}
