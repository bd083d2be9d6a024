using System.Runtime.CompilerServices;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Kubernetes;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class KubernetesPublisherTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("clusteraspire-k8s-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_committed_base_is_what_the_default_plan_publishes()
    {
        Publish(new());

        var committed = Path.Combine(Repository(), "k8s", "base");
        Assert.Equal(Names(committed), Names(_directory));
        Assert.All(Names(committed), name =>
            Assert.Equal(File.ReadAllText(Path.Combine(committed, name)), File.ReadAllText(Path.Combine(_directory, name))));

        static IEnumerable<string> Names(string directory) => Directory.GetFiles(directory).Select(file => Path.GetFileName(file)).Order();
    }

    [Fact]
    public void Replicas_are_the_autoscalers_lower_bound_and_half_its_upper_one()
    {
        Publish(new() { Replicas = "12" });

        var service = Read("service.yaml");
        Assert.Contains("minReplicas: 12\n", service, StringComparison.Ordinal);
        Assert.Contains("maxReplicas: 24\n", service, StringComparison.Ordinal);
        Assert.DoesNotContain("\n  replicas:", service, StringComparison.Ordinal);
    }

    [Fact]
    public void Ports_and_limits_are_the_plans()
    {
        Publish(new() { Port = 80, AdminPort = 9000, QueueLimit = 7, LaneQueueLimit = 3, DrainTimeout = 120 });

        var (service, loadBalancer) = (Read("service.yaml"), Read("loadbalancer.yaml"));
        Assert.Contains("port: 80\n", loadBalancer, StringComparison.Ordinal);
        Assert.Contains("value: http://localhost:9000\n", loadBalancer, StringComparison.Ordinal);
        Assert.Contains("name: LoadBalancer__ComputeQueueLimit\n              value: \"7\"\n", loadBalancer, StringComparison.Ordinal);
        Assert.Contains("name: ComputeLane__QueueLimit\n              value: \"3\"\n", service, StringComparison.Ordinal);
        Assert.Contains("name: Drain__Timeout\n              value: \"120\"\n", service, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_of_this_machine_gets_into_the_manifests()
    {
        Publish(new() { Replicas = "3" });

        Assert.All(["service.yaml", "loadbalancer.yaml"], file => Assert.DoesNotContain("replica-", Read(file), StringComparison.Ordinal));
        Assert.DoesNotContain("Replica__Core", Read("service.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public void Images_are_named_once_in_the_kustomization()
    {
        Publish(new(), new() { ServiceImage = "registry.example.com:5000/team/orders:2.1", LoadBalancerImage = "example.com/lb:3" });

        Assert.Contains("- name: registry.example.com:5000/team/orders\n    newTag: \"2.1\"\n", Read("kustomization.yaml"), StringComparison.Ordinal);
        Assert.Contains("image: registry.example.com:5000/team/orders\n", Read("service.yaml"), StringComparison.Ordinal);
        Assert.Contains("image: example.com/lb\n", Read("loadbalancer.yaml"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ServiceImage", "clusteraspire/service", "Cluster:Kubernetes:ServiceImage must be an image's name and tag, such as clusteraspire/service:1.0.0, not 'clusteraspire/service'.")]
    [InlineData("Namespace", "My_Space", "Cluster:Kubernetes:Namespace must be at most 63 lower-case letters, digits and dashes, not 'My_Space'.")]
    [InlineData("LoadBalancers", "0", "Cluster:Kubernetes:LoadBalancers must be from 1 to 100, not '0'.")]
    [InlineData("LoadBalancers", "many", "Cluster:Kubernetes takes Namespace, ServiceImage, LoadBalancerImage and the number LoadBalancers, nothing else.")]
    [InlineData("Image", "x:1", "Cluster:Kubernetes takes Namespace, ServiceImage, LoadBalancerImage and the number LoadBalancers, nothing else.")]
    public void An_option_that_makes_no_sense_is_explained(string name, string value, string sentence)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"Cluster:Kubernetes:{name}", value)]).Build();

        Assert.Equal(sentence, Assert.Throws<ClusterException>(() => KubernetesOptions.From(configuration)).Message);
    }

    [Fact]
    public void A_service_called_like_the_load_balancer_is_refused() =>
        Assert.Throws<ClusterException>(() => Publish(new() { Name = "loadbalancer" }));

    [Fact]
    public void A_directory_that_cannot_be_written_to_is_explained()
    {
        File.WriteAllText(Path.Combine(_directory, "file"), "");

        var publisher = new KubernetesPublisher(ClusterPlan.Create(new(), KubernetesOptions.Machine), new());
        Assert.Contains("choose another by --output", Assert.Throws<ClusterException>(() => publisher.Publish(Path.Combine(_directory, "file"))).Message, StringComparison.Ordinal);
    }

    private void Publish(ClusterOptions options, KubernetesOptions? kubernetes = null) =>
        new KubernetesPublisher(ClusterPlan.Create(options, KubernetesOptions.Machine), kubernetes ?? new()).Publish(_directory);

    private string Read(string file) => File.ReadAllText(Path.Combine(_directory, file));

    private static string Repository([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(path, "..", "..", "..", ".."));
}
