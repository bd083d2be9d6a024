using k8s.Models;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary><c>Runner publish k8s</c>, and overlays of users' own on what it writes.</summary>
public sealed class PublishTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("clusteraspire-publish-").FullName;

    private int _overlays;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_default_plan_is_what_is_committed()
    {
        Publish();

        Assert.Equal(Kubectl.Kustomize(Path.Combine(Repository.Root, "k8s/base")), Kubectl.Kustomize(Path.Combine(_directory, "base")));
    }

    [Fact]
    public void All_components_go_on_a_plan_of_ones_own()
    {
        Publish("--name", "orders", "--replicas", "5", "--port", "80", "--service-image", "registry.example.com/orders:2.1");

        var rendering = Overlay("dashboard", "exclusive-cores", "gateway", "ingress", "trusted-proxies");

        Assert.All(rendering.Objects, thing => Assert.Equal("mine", thing is V1Namespace ? thing.Name() : thing.Namespace()));
        Assert.Equal(["dashboard", "loadbalancer", "orders"], rendering.Deployments.Select(deployment => deployment.Name()).Order());
        Assert.Equal(("registry.example.com/orders:2.1", "1"), (rendering.Service.Container().Image, rendering.Service.Container().Resources.Limits["cpu"].ToString()));
        Assert.All([rendering.Service, rendering.LoadBalancer], deployment => Assert.Equal("http://dashboard:4317", deployment.Expanded("OTEL_EXPORTER_OTLP_ENDPOINT")));
        Assert.StartsWith("http://orders:", rendering.LoadBalancer.Expanded("ReverseProxy__Clusters__service__Destinations__pods__Address"), StringComparison.Ordinal);
        Assert.Equal("10.244.0.0/16", rendering.LoadBalancer.Env("LoadBalancer__TrustedProxies__0"));
        Assert.DoesNotContain(rendering.Service.Container().Env, variable => variable.Name.StartsWith("LoadBalancer__", StringComparison.Ordinal));
        var autoscaler = Assert.Single(rendering.All<V2HorizontalPodAutoscaler>());
        Assert.Equal(("orders", 5), (autoscaler.Spec.ScaleTargetRef.Name, autoscaler.Spec.MinReplicas));
        Assert.Single(rendering.All<V1Ingress>());
    }

    [Theory]
    [InlineData("kubernetes")]
    [InlineData("dns")]
    public void Names_follow_a_prefix_and_a_suffix(string discovery)
    {
        Publish("--name", "orders", "--discovery", discovery);

        var rendering = Overlay(["dashboard", "gateway", "priority"], "namePrefix: blue-\nnameSuffix: \"-2\"\n");

        Assert.Equal("http://blue-orders-2:8080", rendering.LoadBalancer.Expanded("ReverseProxy__Clusters__service__Destinations__pods__Address"));
        string?[] services = [.. rendering.All<V1Service>().Select(service => service.Name())];
        Assert.Equal(["blue-dashboard-2", "blue-loadbalancer-2", "blue-orders-2"], services.Order());
        Assert.All([rendering.Service, rendering.LoadBalancer], deployment => Assert.Equal("http://blue-dashboard-2:4317", deployment.Expanded("OTEL_EXPORTER_OTLP_ENDPOINT")));
        Assert.Equal("blue-loadbalancer-2", Assert.Single(Assert.Single(Assert.Single(rendering.All<HttpRoute>()).Spec.Rules).BackendRefs).Name);
        Assert.Equal(rendering.Service.Name(), Assert.Single(rendering.All<V2HorizontalPodAutoscaler>()).Spec.ScaleTargetRef.Name);
        // What the service is called in telemetry stays.
        Assert.Equal("orders", rendering.Service.Env("OTEL_SERVICE_NAME"));
        if (discovery is "kubernetes")
        {
            var subject = Assert.Single(Assert.Single(rendering.All<V1RoleBinding>()).Subjects);
            Assert.Equal(("blue-loadbalancer-2", "mine"), (subject.Name, subject.NamespaceProperty));
            Assert.Equal(subject.Name, rendering.LoadBalancer.Pod().ServiceAccountName);
        }
    }

    [Fact]
    public void The_component_for_dns_makes_what_the_switch_makes()
    {
        Publish("--name", "orders");
        var component = Overlay("dns-discovery");
        Publish("--name", "orders", "--discovery", "dns");
        var published = Overlay();

        Assert.Equal(Written(published), Written(component));

        // A patch puts what it changes first.
        static IEnumerable<string> Written(Rendering rendering)
        {
            foreach (var container in rendering.Deployments.Select(deployment => deployment.Container()))
            {
                container.Env = [.. container.Env.OrderBy(variable => variable.Name, StringComparer.Ordinal)];
            }

            return rendering.Objects.Select(thing => k8s.KubernetesYaml.Serialize(thing)).Order();
        }
    }

    [Fact]
    public void Another_services_port_memory_environment_and_secrets_are_published()
    {
        Publish("--service-port", "5000", "--memory", "96m", "--env", "Orders__Currency=EUR=1", "--secret-env", "ConnectionStrings__orders=orders-db/connection-string");

        var rendering = Overlay();

        var container = rendering.Service.Container();
        Assert.Equal(("5000", 5000), (rendering.Service.Env("ASPNETCORE_HTTP_PORTS"), Assert.Single(container.Ports).ContainerPort));
        Assert.Equal(5000, new Uri(rendering.LoadBalancer.Expanded("ReverseProxy__Clusters__service__Destinations__pods__Address")).Port);
        Assert.Equal(("96Mi", "96Mi"), (container.Resources.Requests["memory"].ToString(), container.Resources.Limits["memory"].ToString()));
        Assert.Equal("EUR=1", rendering.Service.Env("Orders__Currency"));
        var secret = container.Env.Single(variable => variable.Name == "ConnectionStrings__orders").ValueFrom.SecretKeyRef;
        Assert.Equal(("orders-db", "connection-string"), (secret.Name, secret.Key));
        // The policies let the balancer through to that port.
        Assert.All(
            rendering.All<V1NetworkPolicy>().Single(policy => policy.Name() == "service").Spec.Ingress.SelectMany(rule => rule.Ports),
            port => Assert.Equal("5000", port.Port.Value));
    }

    [Fact]
    public void A_gateways_route_leads_to_the_load_balancer()
    {
        Publish();

        var rendering = Overlay("gateway");

        var backend = Assert.Single(Assert.Single(Assert.Single(rendering.All<HttpRoute>()).Spec.Rules).BackendRefs);
        Assert.Contains(rendering.All<V1Service>(), service => service.Name() == backend.Name && service.Spec.Ports.Any(port => port.Port == backend.Port));
    }

    [Theory]
    [InlineData("Cluster:Kubernetes:LoadBalancers must be from 1 to 100, not '0'.", "--load-balancers", "0")]
    [InlineData("--env must be NAME=VALUE, not 'NAME'.", "--env", "NAME")]
    [InlineData("--standby (Cluster:Standby) means nothing on Kubernetes, where other replicas answer until a new pod is ready: leave it out.", "--standby")]
    public void What_makes_no_sense_is_said_in_a_sentence(string sentence, params string[] switches)
    {
        var (exitCode, error) = Runner(["publish", "k8s", "--output", _directory, .. switches]);

        Assert.Equal((1, sentence), (exitCode, error));
        Assert.Empty(Directory.GetFiles(_directory));
    }

    private void Publish(params string[] switches)
    {
        var (exitCode, error) = Runner(["publish", "k8s", "--output", Path.Combine(_directory, "base"), .. switches]);
        Assert.True(exitCode == 0, error);
    }

    private Rendering Overlay(params string[] components) => Overlay(components, "");

    private Rendering Overlay(string[] components, string more)
    {
        var overlay = Directory.CreateDirectory(Path.Combine(_directory, $"overlay-{++_overlays}")).FullName;
        var folders = components.Select(component => Path.GetRelativePath(overlay, Path.Combine(Repository.Root, "k8s", "components", component)));
        File.WriteAllText(
            Path.Combine(overlay, "kustomization.yaml"),
            $"namespace: mine\nresources: [../base]\ncomponents: [{string.Join(", ", folders)}]\n{more}");
        return Rendering.Parse(Kubectl.Kustomize(overlay));
    }

    private static (int ExitCode, string Error) Runner(params string[] arguments)
    {
        var (exitCode, _, error) = TestProcess.Run("dotnet", [Repository.Output("Runner"), .. arguments]);
        return (exitCode, error);
    }
}
