using System.Text.RegularExpressions;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>What the plan leaves open on Kubernetes, bound from the configuration section <c>Cluster:Kubernetes</c>.</summary>
public sealed partial class KubernetesOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = $"{ClusterOptions.Section}:Kubernetes";

    /// <summary>The namespace everything is put into; it is created too.</summary>
    public string Namespace { get; set; } = "clusteraspire";

    /// <summary>The service's image and its tag, <c>[REGISTRY/]NAME:TAG</c>.</summary>
    public string ServiceImage { get; set; } = "clusteraspire/service:1.0.0";

    /// <summary>The load balancer's image and its tag, <c>[REGISTRY/]NAME:TAG</c>.</summary>
    public string LoadBalancerImage { get; set; } = "clusteraspire/loadbalancer:1.0.0";

    /// <summary>How many load balancers run.</summary>
    public int LoadBalancers { get; set; } = 2;

    /// <summary>
    /// The machine a plan for Kubernetes is made for. It stands for no node: <c>auto</c> replicas are two, the fewest that
    /// survive the loss of one, and the autoscaler adds more. Ports are each pod's own.
    /// </summary>
    public static Machine Machine { get; } = new([0, 1], Processors: 2) { IsFree = _ => true, Pins = true };

    /// <summary>Reads the options.</summary>
    /// <param name="configuration">Where the section <c>Cluster:Kubernetes</c> is looked up.</param>
    /// <exception cref="ClusterException">There is no option of that name, or a value is out of its bounds.</exception>
    public static KubernetesOptions From(IConfiguration configuration)
    {
        KubernetesOptions options;
        try
        {
            options = configuration.GetSection(Section).Get<KubernetesOptions>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException)
        {
            throw new ClusterException(
                $"{Section} takes {nameof(Namespace)}, {nameof(ServiceImage)}, {nameof(LoadBalancerImage)} and the number {nameof(LoadBalancers)}, nothing else.");
        }

        Check(NamespacePattern().IsMatch(options.Namespace), nameof(Namespace), "must be at most 63 lower-case letters, digits and dashes", options.Namespace);
        Check(ImagePattern().IsMatch(options.ServiceImage), nameof(ServiceImage), "must be an image's name and tag, such as clusteraspire/service:1.0.0", options.ServiceImage);
        Check(ImagePattern().IsMatch(options.LoadBalancerImage), nameof(LoadBalancerImage), "must be an image's name and tag, such as clusteraspire/loadbalancer:1.0.0", options.LoadBalancerImage);
        Check(options.LoadBalancers is >= 1 and <= 100, nameof(LoadBalancers), "must be from 1 to 100", $"{options.LoadBalancers}");
        return options;
    }

    private static void Check(bool valid, string name, string wanted, string value)
    {
        if (!valid)
        {
            throw new ClusterException($"{Section}:{name} {wanted}, not '{value}'.");
        }
    }

    // RFC 1123 label, as Kubernetes has it.
    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    private static partial Regex NamespacePattern();

    // A tag is wanted: without one the cluster would look for "latest", and a rollback would have nothing to go back to.
    [GeneratedRegex("^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
    private static partial Regex ImagePattern();
}
