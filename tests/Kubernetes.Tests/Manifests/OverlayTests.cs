using Xunit;
using k8s;
using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>What one overlay is for.</summary>
public sealed class OverlayTests
{
    [Fact]
    public void The_base_fits_a_node_of_two_cores_and_four_gigabytes_beside_the_system()
    {
        var rendering = Rendering.Of("k8s");
        var autoscaler = rendering.All<V2HorizontalPodAutoscaler>().Single();

        // At its largest, in the middle of an update of both.
        (V1Deployment Deployment, int Pods)[] most = [(rendering.Service, autoscaler.Spec.MaxReplicas + 1), (rendering.LoadBalancer, rendering.LoadBalancer.Spec.Replicas!.Value + 1)];
        Assert.True(most.Sum(item => item.Pods * Request(item.Deployment, "cpu")) <= 1.5);
        Assert.True(most.Sum(item => item.Pods * Request(item.Deployment, "memory")) <= 2.0 * 1024 * 1024 * 1024);
    }

    [Fact]
    public void Telemetry_goes_to_the_dashboard_which_nothing_exposes()
    {
        var rendering = Rendering.Of("k8s/overlays/dashboard");

        var service = rendering.All<V1Service>().Single(service => service.Name() == "dashboard");
        Assert.All([rendering.Service, rendering.LoadBalancer], deployment =>
            Assert.Equal($"http://{service.Name()}:{Assert.Single(service.Spec.Ports).Port}", deployment.Expanded("OTEL_EXPORTER_OTLP_ENDPOINT")));
        Assert.True(service.Spec.Type is null or "ClusterIP");
        var dashboard = rendering.Deployments.Single(deployment => deployment.Name() == "dashboard");
        Assert.True(new Uri(dashboard.Env("ASPNETCORE_URLS")).IsLoopback);
        Assert.Equal(new Uri(dashboard.Env("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL")).Port, Assert.Single(dashboard.Container().Ports).ContainerPort);
        Assert.Equal("BrowserToken", dashboard.Env("Dashboard__Frontend__AuthMode"));
    }

    [Fact]
    public void Production_spreads_over_zones_and_is_reached_through_an_ingress_only()
    {
        var rendering = Rendering.Of("k8s/overlays/production");

        Assert.All(rendering.Deployments, deployment => Assert.Equal(
            ["kubernetes.io/hostname", "topology.kubernetes.io/zone"],
            deployment.Pod().TopologySpreadConstraints.Select(constraint => constraint.TopologyKey)));
        Assert.All(rendering.All<V1Service>(), service => Assert.True(service.Spec.Type is null or "ClusterIP"));
        Assert.Single(rendering.All<V1Ingress>());
        Assert.Equal("1", rendering.Service.Container().Resources.Requests["cpu"].ToString());
        Assert.True(rendering.LoadBalancer.Spec.Replicas >= 3);
    }

    [Fact]
    public void Keda_scales_as_the_autoscaler_does_and_by_the_wait_in_the_queue_whose_metrics_there_are()
    {
        var keda = Assert.Single(Rendering.Of("k8s/overlays/production with keda").All<ScaledObject>()).Spec;
        var autoscaler = Assert.Single(Rendering.Of("k8s").All<V2HorizontalPodAutoscaler>()).Spec;

        Assert.Equal(["cpu", "prometheus"], keda.Triggers.Select(trigger => trigger.Type));
        Assert.Equal(("AverageValue", autoscaler.Metrics.Single().Resource.Target.AverageValue.ToString()), (keda.Triggers[0].MetricType, keda.Triggers[0].Metadata["value"]));
        Assert.Equal(KubernetesJson.Serialize(autoscaler.Behavior), KubernetesJson.Serialize(keda.Advanced.HorizontalPodAutoscalerConfig.Behavior));

        // By the names that Prometheus gives OpenTelemetry's instruments.
        var documented = File.ReadAllText(Path.Combine(Repository.Root, "docs/telemetry.md"));
        var query = keda.Triggers[1].Metadata["query"];
        Assert.All([("clusteraspire.compute_queue.length", "clusteraspire_compute_queue_length"), ("clusteraspire.compute_queue.time", "clusteraspire_compute_queue_time_seconds_count")], metric =>
        {
            Assert.Contains($"`{metric.Item1}`", documented, StringComparison.Ordinal);
            Assert.Contains(metric.Item2, query, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Cert_manager_makes_the_ingress_certificate_and_its_challenge_is_reached()
    {
        var rendering = Rendering.Of("k8s/overlays/production with cert-manager");

        Assert.Contains("cert-manager.io/cluster-issuer", Assert.Single(rendering.All<V1Ingress>()).Annotations().Keys);
        var solver = new Dictionary<string, string> { ["acme.cert-manager.io/http01-solver"] = "true" };
        var policy = Assert.Single(rendering.All<V1NetworkPolicy>(), policy => policy.Name() is "acme-http01");
        Assert.True(policy.Spec.PodSelector.Selects(solver));
        Assert.All(rendering.Deployments, deployment => Assert.False(policy.Spec.PodSelector.Selects(deployment.PodLabels())));
        Assert.Equal("8089", Assert.Single(Assert.Single(policy.Spec.Ingress).Ports).Port.Value);
    }

    private static double Request(V1Deployment deployment, string resource) => (double)deployment.Container().Resources.Requests[resource].ToDecimal();
}
