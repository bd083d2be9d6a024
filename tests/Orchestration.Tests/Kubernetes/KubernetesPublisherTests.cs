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
    [InlineData("ServicePort", "80", "Cluster:Kubernetes:ServicePort must be from 1024 to 65535, for pods have no rights, not '80'.")]
    [InlineData("Discovery", "consul", Taken)]
    [InlineData("LoadBalancers", "many", Taken)]
    [InlineData("Image", "x:1", Taken)]
    public void An_option_that_makes_no_sense_is_explained(string name, string value, string sentence)
    {
        Assert.Equal(sentence, Assert.Throws<ClusterException>(() => Options((name, value))).Message);
    }

    public static TheoryData<ClusterOptions, string> Refused => new()
    {
        { new() { Name = "loadbalancer" }, "--name (Cluster:Name) must be another than 'loadbalancer'" },
        { new() { Name = "dns" }, "--name (Cluster:Name) must be another than 'dns'" },
        { new() { Name = "kubernetes-api" }, "--name (Cluster:Name) must be another than 'kubernetes-api'" },
        { new() { Name = "dashboard" }, "--name (Cluster:Name) must be another than 'dashboard'" },
        { new() { Port = 80, AdminPort = 8080 }, "--admin-port (Cluster:AdminPort) must be from 1024 to 65535 and another than 8080" },
        { new() { AdminPort = 81 }, "--admin-port (Cluster:AdminPort) must be from 1024" },
        { new() { Service = "orders.dll" }, "--service (Cluster:Service) means nothing on Kubernetes" },
        { new() { RestartAge = 3600 }, "--restart-age (Cluster:RestartAge) is the runner's" },
        { new() { Args = { "--verbose" } }, "--args (Cluster:Args) are the image's own on Kubernetes" },
        { new() { Image = "orders:1" }, "--image (Cluster:Image) is an image of this machine" },
        { new() { Standby = true }, "--standby (Cluster:Standby) means nothing on Kubernetes" },
        { new() { Pin = false }, "--no-pin (Cluster:Pin) means nothing on Kubernetes" },
        { new() { Clean = true }, "--clean (Cluster:Clean) removes containers of this machine" },
        { new() { Telemetry = TelemetryKind.Table }, "--telemetry (Cluster:Telemetry) can be console on Kubernetes" },
        { new() { ReplicaPort = 5000 }, "--replica-port (Cluster:ReplicaPort) is a port of this machine" },
        { new() { Runtime = RuntimeKind.Process }, "--runtime (Cluster:Runtime) can be container on Kubernetes" },
        { new() { Engine = EngineKind.Podman }, "--engine (Cluster:Engine) is the cluster's own" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void What_cannot_be_done_on_Kubernetes_is_refused(ClusterOptions options, string sentence) =>
        Assert.StartsWith(sentence, Assert.Throws<ClusterException>(() => Publish(options)).Message, StringComparison.Ordinal);

    public static TheoryData<string> Done =>
        [.. typeof(ClusterOptions).GetProperties().Select(property => property.Name).Except(NotPublished)];

    // Refused above.
    private static readonly string[] NotPublished =
    [
        nameof(ClusterOptions.Service), nameof(ClusterOptions.Image), nameof(ClusterOptions.Standby), nameof(ClusterOptions.Pin), nameof(ClusterOptions.Clean),
        nameof(ClusterOptions.Aot), nameof(ClusterOptions.StartWave), nameof(ClusterOptions.RestartMemory), nameof(ClusterOptions.RestartAge), nameof(ClusterOptions.RestartRequests), nameof(ClusterOptions.Log),
        nameof(ClusterOptions.Args), nameof(ClusterOptions.ReplicaPort), nameof(ClusterOptions.Runtime), nameof(ClusterOptions.Engine),
    ];

    [Theory, MemberData(nameof(Done))]
    public void What_is_accepted_is_published(string option)
    {
        Publish(new());
        var before = Files();
        var (name, value) = option switch
        {
            nameof(ClusterOptions.Name) => (option, "orders"),
            nameof(ClusterOptions.Memory) => (option, "300m"),
            nameof(ClusterOptions.Telemetry) => (option, "console"),
            nameof(ClusterOptions.DrainTimeout) or nameof(ClusterOptions.StartTimeout) or nameof(ClusterOptions.LivenessTimeout) => (option, "90"),
            nameof(ClusterOptions.Replicas) => (option, "7"),
            nameof(ClusterOptions.Environment) => ($"{option}:GREETING", "good day"),
            nameof(ClusterOptions.Affinity) => (option, "cookie"),
            nameof(ClusterOptions.Listen) => (option, "http://*:9090"),
            nameof(ClusterOptions.Settings) => ($"{option}:LoadBalancer:RetryLimit", "2"),
            _ => (option, "7000"),
        };

        Publish(ClusterOptions.From(new ConfigurationBuilder().AddInMemoryCollection([new($"Cluster:{name}", value)]).Build()));

        Assert.NotEqual(before, Files());
    }

    [Fact]
    public void A_service_without_a_limit_of_silence_has_no_liveness_probe()
    {
        Publish(new() { LivenessTimeout = 0 });

        Assert.DoesNotContain("livenessProbe", Read("service.yaml"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("96m", "96Mi", "96Mi")]
    [InlineData("1g", "128Mi", "1Gi")]
    [InlineData("204800k", "128Mi", "204800Ki")]
    [InlineData("67108864b", "67108864", "67108864")]
    [InlineData("67108864", "67108864", "67108864")]
    public void Memory_is_a_limit_as_Kubernetes_writes_it_and_no_less_than_what_is_asked_for(string memory, string request, string limit)
    {
        Publish(new() { Memory = memory });

        var resources = Read("service.yaml").Split("resources:\n")[1].Split("startupProbe")[0].Replace("\"", "", StringComparison.Ordinal);
        Assert.Equal([$"memory: {request}", $"memory: {limit}"], resources.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("memory", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Drain__Timeout", "1", "Cluster:Kubernetes:Environment must not have Drain__Timeout, which the manifests set themselves.")]
    [InlineData("a-b", "1", "Cluster:Kubernetes:Environment must have names of letters, digits and underscores, not 'a-b'.")]
    public void A_variable_that_cannot_be_set_is_explained(string name, string value, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<ClusterException>(() => Publish(new(), Options(($"Environment:{name}", value)))).Message);

    [Fact]
    public void A_secret_is_a_reference_and_belongs_to_one_variable()
    {
        Assert.Equal(
            "Cluster:Kubernetes:Secrets:Password must be a Secret's name and a key in it, such as database/password, not 'hunter2'.",
            Assert.Throws<ClusterException>(() => Options(("Secrets:Password", "hunter2"))).Message);
        Assert.Equal(
            "Cluster:Kubernetes:Secrets must not have a variable that Environment has, not 'Password'.",
            Assert.Throws<ClusterException>(() => Options(("Secrets:Password", "database/password"), ("Environment:Password", "x"))).Message);
    }

    [Fact]
    public void A_directory_that_cannot_be_written_to_is_explained()
    {
        File.WriteAllText(Path.Combine(_directory, "file"), "");

        var publisher = new KubernetesPublisher(new(), new());
        Assert.Contains("choose another by --output", Assert.Throws<ClusterException>(() => publisher.Publish(Path.Combine(_directory, "file"))).Message, StringComparison.Ordinal);
    }

    private void Publish(ClusterOptions options, KubernetesOptions? kubernetes = null) =>
        new KubernetesPublisher(options, kubernetes ?? new()).Publish(_directory);

    private const string Taken = "Cluster:Kubernetes takes Namespace, ServiceImage, LoadBalancerImage, Discovery (kubernetes or dns), Format (kustomize or helm), the numbers LoadBalancers and ServicePort, and Environment and Secrets with a value for each name, nothing else.";

    private static KubernetesOptions Options(params (string Name, string Value)[] settings) => KubernetesOptions.From(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>($"Cluster:Kubernetes:{setting.Name}", setting.Value))).Build());

    private string Files() => string.Concat(Directory.GetFiles(_directory).Order().Select(File.ReadAllText));

    private string Read(string file) => File.ReadAllText(Path.Combine(_directory, file));

    private static string Repository([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(path, "..", "..", "..", ".."));
}
