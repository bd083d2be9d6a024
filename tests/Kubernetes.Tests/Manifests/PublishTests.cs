using System.Diagnostics;
using k8s.Models;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary><c>Runner publish k8s</c>, and overlays of users' own on what it writes.</summary>
public sealed class PublishTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("clusteraspire-publish-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_default_plan_is_what_is_committed()
    {
        Publish();

        Assert.Equal(Kubectl.Kustomize(Path.Combine(Build.Repository, "k8s/base")), Kubectl.Kustomize(Path.Combine(_directory, "base")));
    }

    [Fact]
    public void All_components_go_on_a_plan_of_ones_own()
    {
        Publish("--name", "orders", "--replicas", "5", "--port", "80", "--service-image", "registry.example.com/orders:2.1");

        var rendering = Overlay("dashboard", "exclusive-cores", "gateway", "ingress");

        Assert.All(rendering.Objects, thing => Assert.Equal("mine", thing is V1Namespace ? thing.Name() : thing.Namespace()));
        Assert.Equal(["dashboard", "loadbalancer", "orders"], rendering.Deployments.Select(deployment => deployment.Name()).Order());
        Assert.Equal(("registry.example.com/orders:2.1", "1"), (rendering.Service.Container().Image, rendering.Service.Container().Resources.Limits["cpu"].ToString()));
        Assert.All([rendering.Service, rendering.LoadBalancer], deployment => Assert.Equal("http://dashboard:4317", deployment.Env("OTEL_EXPORTER_OTLP_ENDPOINT")));
        Assert.StartsWith("http://orders:", rendering.LoadBalancer.Env("ReverseProxy__Clusters__service__Destinations__pods__Address"), StringComparison.Ordinal);
        var autoscaler = Assert.Single(rendering.All<V2HorizontalPodAutoscaler>());
        Assert.Equal(("orders", 5), (autoscaler.Spec.ScaleTargetRef.Name, autoscaler.Spec.MinReplicas));
        Assert.Single(rendering.All<V1Ingress>());
    }

    [Fact]
    public void A_gateways_route_leads_to_the_load_balancer()
    {
        Publish();

        var rendering = Overlay("gateway");

        var backend = Assert.Single(Assert.Single(Assert.Single(rendering.All<HttpRoute>()).Spec.Rules).BackendRefs);
        Assert.Contains(rendering.All<V1Service>(), service => service.Name() == backend.Name && service.Spec.Ports.Any(port => port.Port == backend.Port));
    }

    [Fact]
    public void What_makes_no_sense_is_said_in_a_sentence()
    {
        var (exitCode, error) = Runner("publish", "k8s", "--output", _directory, "--load-balancers", "0");

        Assert.Equal((1, "Cluster:Kubernetes:LoadBalancers must be from 1 to 100, not '0'.\n"), (exitCode, error));
    }

    private void Publish(params string[] switches)
    {
        var (exitCode, error) = Runner(["publish", "k8s", "--output", Path.Combine(_directory, "base"), .. switches]);
        Assert.True(exitCode == 0, error);
    }

    private Rendering Overlay(params string[] components)
    {
        var overlay = Directory.CreateDirectory(Path.Combine(_directory, "overlay")).FullName;
        var folders = components.Select(component => Path.GetRelativePath(overlay, Path.Combine(Build.Repository, "k8s", "components", component)));
        File.WriteAllText(
            Path.Combine(overlay, "kustomization.yaml"),
            $"namespace: mine\nresources: [../base]\ncomponents: [{string.Join(", ", folders)}]\n");
        return Rendering.Parse(Kubectl.Kustomize(overlay));
    }

    private static (int ExitCode, string Error) Runner(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Build.Runner, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        output.Wait();
        return (process.ExitCode, error);
    }
}
