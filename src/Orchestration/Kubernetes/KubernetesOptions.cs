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

    /// <summary>As what the manifests are written.</summary>
    public KubernetesFormat Format { get; set; } = KubernetesFormat.Kustomize;

    /// <summary>How many load balancers run.</summary>
    public int LoadBalancers { get; set; } = 2;

    /// <summary>How the load balancers find the pods.</summary>
    public KubernetesDiscovery Discovery { get; set; } = KubernetesDiscovery.Kubernetes;

    /// <summary>The TCP port the service listens at in its pods.</summary>
    public int ServicePort { get; set; } = 8080;

    /// <summary>The service's own environment variables.</summary>
    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>The service's environment variables that Secrets have the values of, each as <c>SECRET/KEY</c>.</summary>
    public Dictionary<string, string> Secrets { get; } = [];

    /// <summary>
    /// The machine a plan for Kubernetes is made for. It stands for no node: <c>auto</c> replicas are two, the fewest that
    /// survive the loss of one, and the autoscaler adds more. Ports are each pod's own.
    /// </summary>
    public static Machine Machine { get; } = new([0, 1], Processors: 2) { IsFree = _ => true, Pins = true };

    /// <summary>Reads the options.</summary>
    /// <param name="configuration">Where the section <c>Cluster:Kubernetes</c> is looked up.</param>
    /// <param name="serviceImage">The service's image, unless the configuration names one.</param>
    /// <exception cref="ClusterException">There is no option of that name, or a value is out of its bounds.</exception>
    public static KubernetesOptions From(IConfiguration configuration, string? serviceImage = null)
    {
        KubernetesOptions options;
        try
        {
            options = configuration.GetSection(Section).Get<KubernetesOptions>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException)
        {
            throw new ClusterException(
                $"{Section} takes {nameof(Namespace)}, {nameof(ServiceImage)}, {nameof(LoadBalancerImage)}, {nameof(Discovery)} (kubernetes or dns), {nameof(Format)} (kustomize or helm), the numbers {nameof(LoadBalancers)} and {nameof(ServicePort)}, and {nameof(Environment)} and {nameof(Secrets)} with a value for each name, nothing else.");
        }

        if (serviceImage is not null && configuration[$"{Section}:{nameof(ServiceImage)}"] is null)
        {
            options.ServiceImage = serviceImage;
        }

        Check(NamespacePattern().IsMatch(options.Namespace), nameof(Namespace), "must be at most 63 lower-case letters, digits and dashes", options.Namespace);
        Check(ImagePattern().IsMatch(options.ServiceImage), nameof(ServiceImage), "must be an image's name and tag, such as clusteraspire/service:1.0.0", options.ServiceImage);
        Check(ImagePattern().IsMatch(options.LoadBalancerImage), nameof(LoadBalancerImage), "must be an image's name and tag, such as clusteraspire/loadbalancer:1.0.0", options.LoadBalancerImage);
        Check(options.LoadBalancers is >= 1 and <= 100, nameof(LoadBalancers), "must be from 1 to 100", $"{options.LoadBalancers}");
        Check(Enum.IsDefined(options.Discovery), nameof(Discovery), "must be kubernetes or dns", $"{options.Discovery}");
        Check(Enum.IsDefined(options.Format), nameof(Format), "must be kustomize or helm", $"{options.Format}");
        Check(options.ServicePort is >= LeastPort and <= 65535, nameof(ServicePort), $"must be from {LeastPort} to 65535, for pods have no rights", $"{options.ServicePort}");
        foreach (var name in options.Environment.Keys.Concat(options.Secrets.Keys))
        {
            Check(VariablePattern().IsMatch(name), nameof(Environment), "must have names of letters, digits and underscores", name);
            Check(!(options.Environment.ContainsKey(name) && options.Secrets.ContainsKey(name)), nameof(Secrets), $"must not have a variable that {nameof(Environment)} has", name);
        }

        foreach (var (name, reference) in options.Secrets)
        {
            Check(SecretPattern().IsMatch(reference), $"{nameof(Secrets)}:{name}", "must be a Secret's name and a key in it, such as database/password", reference);
        }

        return options;
    }

    /// <summary>The lowest TCP port that a process without rights may listen at everywhere.</summary>
    internal const int LeastPort = 1024;

    private static void Check(bool valid, string name, string wanted, string value)
    {
        if (!valid)
        {
            throw new ClusterException($"{Section}:{name} {wanted}, not '{value}'.");
        }
    }

    // A label of RFC 1123, which Kubernetes requires.
    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    private static partial Regex NamespacePattern();

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex VariablePattern();

    [GeneratedRegex("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/[A-Za-z0-9._-]{1,253}$")]
    private static partial Regex SecretPattern();

    // A tag is required: without one the cluster would use "latest", and a rollback would start the same image.
    [GeneratedRegex("^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
    private static partial Regex ImagePattern();
}
