using System.CommandLine;
using ClusterAspire.Orchestration.CommandLine;
using ClusterAspire.Orchestration.Kubernetes;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary><c>publish k8s</c>: writes the plan as Kubernetes manifests instead of running it.</summary>
internal sealed class PublishKubernetesCommand : Command
{
    private readonly Option<string> _output = new("--output")
    {
        HelpName = "DIR",
        Description = "Where to write the Kustomize base; k8s/base is the one the overlays build on.",
        Required = true,
    };

    private readonly Option<string>[] _switches =
    [
        new("--namespace") { HelpName = "NAME", Description = "The namespace. [clusteraspire]" },
        new("--service-image") { HelpName = "NAME:TAG", Description = "The service's image. [clusteraspire/service:1.0.0]" },
        new("--load-balancer-image") { HelpName = "NAME:TAG", Description = "The load balancer's image. [clusteraspire/loadbalancer:1.0.0]" },
        new("--load-balancers") { HelpName = "N", Description = "How many load balancers run. [2]" },
    ];

    /// <param name="configure">Reads the switches of the command above.</param>
    public PublishKubernetesCommand(Func<ParseResult, IConfiguration> configure)
        : base("k8s", "Writes Kubernetes manifests for kubectl apply -k. Auto replicas are 2 there, and the autoscaler's lower bound.")
    {
        Add(_output);
        foreach (var option in _switches)
        {
            Add(option);
        }

        SetAction(parsed => Publish(
            new ConfigurationBuilder()
                .AddConfiguration(configure(parsed))
                .AddInMemoryCollection(parsed.Given(_switches, KubernetesOptions.Section))
                .Build(),
            parsed.GetValue(_output)!));
    }

    private static int Publish(IConfiguration configuration, string output)
    {
        var plan = ClusterPlan.Create(ClusterOptions.From(configuration), KubernetesOptions.Machine);
        foreach (var file in new KubernetesPublisher(plan, KubernetesOptions.From(configuration)).Publish(output))
        {
            Console.WriteLine(file);
        }

        Console.WriteLine($"kubectl apply -k {output}");
        return 0;
    }
}
