using System.CommandLine;
using ClusterAspire.Orchestration.CommandLine;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Kubernetes;
using ClusterAspire.Orchestration.Options;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary><c>publish k8s</c>: writes the plan as Kubernetes manifests instead of running it.</summary>
internal sealed class PublishKubernetesCommand : Command
{
    private readonly Option<string> _output = new("--output")
    {
        HelpName = "DIR",
        Description = "Where to write the Kustomize base or the chart; k8s/base is the base that the overlays build on.",
        Required = true,
    };

    private readonly Option<string>[] _switches =
    [
        new("--format") { HelpName = "kustomize|helm", Description = "A Kustomize base, or a Helm chart. [kustomize]" },
        new("--namespace") { HelpName = "NAME", Description = "The namespace. [clusteraspire]" },
        new("--service-image") { HelpName = "NAME:TAG", Description = "The service's image. [clusteraspire/service:1.0.0]" },
        new("--load-balancer-image") { HelpName = "NAME:TAG", Description = "The load balancer's image. [clusteraspire/loadbalancer:1.0.0]" },
        new("--load-balancers") { HelpName = "N", Description = "How many load balancers run. [2]" },
        new("--service-port") { HelpName = "PORT", Description = "The port the service listens at in its pods. [8080]" },
        new("--discovery") { HelpName = "kubernetes|dns", Description = "How load balancers find pods: by the API's EndpointSlices, or by DNS alone. [kubernetes]" },
    ];

    private readonly Option<string[]> _environment = new("--env")
    {
        HelpName = "NAME=VALUE",
        Description = "An environment variable of the service; may be given several times.",
    };

    private readonly Option<string[]> _secrets = new("--secret-env")
    {
        HelpName = "NAME=SECRET/KEY",
        Description = "An environment variable of the service whose value is a key of a Secret; may be given several times.",
    };

    /// <param name="configure">Reads the switches of the command above.</param>
    public PublishKubernetesCommand(Func<ParseResult, IConfiguration> configure)
        : base("k8s", "Writes Kubernetes manifests for kubectl apply -k, or a Helm chart. Auto replicas are 2 there, and the autoscaler's lower bound.")
    {
        Add(_output);
        foreach (var option in _switches)
        {
            Add(option);
        }

        Add(_environment);
        Add(_secrets);
        SetAction(parsed => Publish(
            new ConfigurationBuilder()
                .AddConfiguration(configure(parsed))
                .AddInMemoryCollection(parsed.Given(_switches, KubernetesOptions.Section))
                .AddInMemoryCollection(Pairs(parsed, _environment, nameof(KubernetesOptions.Environment)))
                .AddInMemoryCollection(Pairs(parsed, _secrets, nameof(KubernetesOptions.Secrets)))
                .Build(),
            parsed.GetValue(_output)!));
    }

    private static IEnumerable<KeyValuePair<string, string?>> Pairs(ParseResult parsed, Option<string[]> option, string key) =>
        from pair in parsed.GetValue(option) ?? []
        let at = pair.IndexOf('=', StringComparison.Ordinal)
        select at > 0
            ? KeyValuePair.Create($"{KubernetesOptions.Section}:{key}:{pair[..at]}", (string?)pair[(at + 1)..])
            : throw new ClusterException($"{option.Name} must be {option.HelpName}, not '{pair}'.");

    private static int Publish(IConfiguration configuration, string output)
    {
        var publisher = new KubernetesPublisher(ClusterOptions.From(configuration), KubernetesOptions.From(configuration));
        foreach (var file in publisher.Publish(output))
        {
            Console.WriteLine(file);
        }

        Console.WriteLine(publisher.ApplyCommand(output));
        return 0;
    }
}
