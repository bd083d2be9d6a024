using k8s.Models;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>What holds of everything that can be applied.</summary>
public sealed class ManifestTests
{
    private const string Account = "/var/run/secrets/kubernetes.io/serviceaccount";

    public static TheoryData<string> Kustomizations => [.. Overlays.All];

    [Theory, MemberData(nameof(Kustomizations))]
    public void Everything_is_in_one_namespace_that_comes_with_it(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        var name = Assert.Single(rendering.All<V1Namespace>()).Name();
        Assert.All(rendering.Objects.Where(thing => thing is not (V1Namespace or V1PriorityClass)), thing => Assert.Equal(name, thing.Namespace()));
    }

    [Fact]
    public void A_field_that_the_api_does_not_have_is_noticed() =>
        Assert.ThrowsAny<Exception>(() => Rendering.Parse("apiVersion: v1\nkind: Service\nmetadata:\n  name: x\nspec:\n  selektor:\n    a: b\n"));

    [Fact]
    public void What_is_applied_by_default_is_the_base() =>
        Assert.Equal(Kubectl.Kustomize(Path.Combine(Repository.Root, "k8s/base")), Kubectl.Kustomize(Path.Combine(Repository.Root, "k8s")));

    [Theory, MemberData(nameof(Kustomizations))]
    public void Selectors_select_the_pods_they_are_for_and_no_others(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All(rendering.Deployments, deployment => Only(deployment, deployment.Spec.Selector));
        Assert.All(rendering.All<V1Service>(), service => Only(Named(service.Name()), new() { MatchLabels = service.Spec.Selector }));
        Assert.All(rendering.All<V1PodDisruptionBudget>(), budget => Only(Named(budget.Name()), budget.Spec.Selector));
        Assert.All(
            rendering.Deployments.SelectMany(deployment => (deployment.Pod().TopologySpreadConstraints ?? []).Select(constraint => (deployment, constraint))),
            pair => Assert.True(pair.constraint.LabelSelector.Selects(pair.deployment.PodLabels())));
        Assert.All(
            rendering.All<V2HorizontalPodAutoscaler>(),
            autoscaler => Assert.Equal(("apps/v1", "Deployment"), (autoscaler.Spec.ScaleTargetRef.ApiVersion, autoscaler.Spec.ScaleTargetRef.Kind)));

        V1Deployment Named(string name) => rendering.Deployments.Single(deployment => deployment.Name() == name);

        void Only(V1Deployment expected, V1LabelSelector selector) =>
            Assert.Equal([expected.Name()], rendering.Deployments.Where(deployment => selector.Selects(deployment.PodLabels())).Select(deployment => deployment.Name()));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Ports_lead_to_ports_that_containers_have(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All(rendering.All<V1Service>(), service =>
        {
            var deployment = rendering.Deployments.Single(candidate => candidate.Name() == service.Name());
            Assert.All(service.Spec.Ports, port => Assert.Contains(deployment.Port(port.TargetPort), deployment.Container().Ports.Select(candidate => candidate.ContainerPort)));
        });
        Assert.All(rendering.All<V1Ingress>().SelectMany(ingress => ingress.Spec.Rules).SelectMany(rule => rule.Http.Paths), path =>
            Assert.Contains(rendering.All<V1Service>(), service =>
                service.Name() == path.Backend.Service.Name && service.Spec.Ports.Any(port => port.Name == path.Backend.Service.Port.Name)));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void The_admin_port_is_bound_to_loopback_and_nothing_leads_to_it(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        var admin = new Uri(rendering.LoadBalancer.Env("LoadBalancer__AdminUrl"));
        Assert.True(admin.IsLoopback);
        Assert.DoesNotContain(admin.Port, rendering.LoadBalancer.Container().Ports.Select(port => port.ContainerPort));
        Assert.DoesNotContain(rendering.All<V1Service>().SelectMany(service => service.Spec.Ports), port => rendering.Deployments
            .Single(deployment => deployment.Name() == "loadbalancer").Container().Ports.Any(candidate => candidate.Name == port.TargetPort.Value && candidate.ContainerPort == admin.Port));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Every_container_meets_the_restricted_standard_and_the_namespace_enforces_it(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.Equal("restricted", Assert.Single(rendering.All<V1Namespace>()).Labels()["pod-security.kubernetes.io/enforce"]);
        Assert.All(rendering.Deployments, deployment =>
        {
            var pod = deployment.Pod();
            Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
            Assert.True(pod.SecurityContext.RunAsNonRoot);
            Assert.True(pod.SecurityContext.RunAsUser > 0);
            Assert.True(pod.HostNetwork is null && pod.HostPID is null && pod.HostIPC is null);
            Assert.All(pod.Volumes, volume => Assert.True(volume.EmptyDir is not null || (volume.Projected is not null && deployment == rendering.LoadBalancer)));
            Assert.All(pod.Containers.Concat(pod.InitContainers ?? []), container =>
            {
                Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
                Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
                Assert.Null(container.SecurityContext.Capabilities.Add);
                Assert.All(container.Ports, port => Assert.Null(port.HostPort));
                // More than the standard asks for.
                Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
            });
            Assert.False(pod.AutomountServiceAccountToken);
        });
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Every_deployment_has_probes_a_budget_requests_and_a_bound_on_its_history(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All(rendering.Deployments, deployment =>
        {
            var container = deployment.Container();
            V1Probe[] probes = [container.StartupProbe, container.ReadinessProbe, container.LivenessProbe];
            Assert.All(probes, probe => Assert.Contains(deployment.Port(probe.HttpGet?.Port ?? probe.TcpSocket.Port), container.Ports.Select(port => port.ContainerPort)));
            Assert.Single(rendering.All<V1PodDisruptionBudget>(), budget => budget.Spec.Selector.Selects(deployment.PodLabels()));
            Assert.True(container.Resources.Requests.ContainsKey("cpu") && container.Resources.Requests.ContainsKey("memory") && container.Resources.Limits.ContainsKey("memory"));
            Assert.NotNull(deployment.Spec.RevisionHistoryLimit);
            string[] recommended = ["app.kubernetes.io/name", "app.kubernetes.io/component", "app.kubernetes.io/part-of"];
            Assert.All(recommended, label => Assert.True(deployment.Labels().ContainsKey(label) && deployment.PodLabels().ContainsKey(label)));
        });
        Assert.All([rendering.Service, rendering.LoadBalancer], deployment => Assert.Equal(
            ("/alive", "/health", "/alive"),
            (deployment.Container().StartupProbe.HttpGet.Path, deployment.Container().ReadinessProbe.HttpGet.Path, deployment.Container().LivenessProbe.HttpGet.Path)));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void No_budget_forbids_to_drain_a_node(string kustomization) =>
        Assert.All(Rendering.Of(kustomization).All<V1PodDisruptionBudget>(), budget =>
        {
            Assert.Null(budget.Spec.MinAvailable);
            Assert.NotEqual("0", budget.Spec.MaxUnavailable.Value);
        });

    [Theory, MemberData(nameof(Kustomizations))]
    public void A_pod_that_leaves_has_the_time_it_takes(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All([rendering.Service, rendering.LoadBalancer], deployment =>
        {
            var leaving = deployment.Container().Lifecycle.PreStop.Sleep.Seconds + deployment.Seconds("Drain__Delay") + deployment.Seconds("Drain__Timeout");
            Assert.True(deployment.Pod().TerminationGracePeriodSeconds > leaving);
            // The balancer asks every second and waits two for an answer.
            Assert.True(deployment.Seconds("Drain__Delay") > 3);
            Assert.Equal(Overlays.Has(kustomization, "full-nodes") && deployment == rendering.Service ? ("1", "0") : ("0", "1"), (deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.Value, deployment.Spec.Strategy.RollingUpdate.MaxSurge.Value));
        });
        // What it forwards has to end before it does.
        Assert.True(rendering.LoadBalancer.Seconds("Drain__Timeout") > rendering.Service.Seconds("Drain__Timeout"));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Images_have_a_tag_and_are_taken_from_the_node_when_they_are_there(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All(rendering.Deployments.Select(deployment => deployment.Container()), container =>
        {
            Assert.Matches(":[0-9][^:/]*$", container.Image);
            Assert.Equal("IfNotPresent", container.ImagePullPolicy);
        });
        Assert.Equal(
            ["clusteraspire/loadbalancer:1.0.0", "clusteraspire/service:1.0.0"],
            new[] { rendering.Service, rendering.LoadBalancer }.Select(deployment => deployment.Container().Image).Order());
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void How_many_replicas_there_are_is_the_autoscalers_business_alone(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        // KEDA makes an autoscaler of its own.
        Assert.Equal(Overlays.Has(kustomization, "keda"), rendering.All<ScaledObject>().Any());
        var (target, least, most, behavior) = Assert.Single(
        [
            .. rendering.All<V2HorizontalPodAutoscaler>().Select(hpa => (hpa.Spec.ScaleTargetRef, hpa.Spec.MinReplicas, hpa.Spec.MaxReplicas, hpa.Spec.Behavior)),
            .. rendering.All<ScaledObject>().Select(keda => (keda.Spec.ScaleTargetRef, (int?)keda.Spec.MinReplicaCount, keda.Spec.MaxReplicaCount, keda.Spec.Advanced.HorizontalPodAutoscalerConfig.Behavior)),
        ]);
        Assert.Equal(("apps/v1", "Deployment", rendering.Service.Name()), (target.ApiVersion, target.Kind, target.Name));
        Assert.Null(rendering.Service.Spec.Replicas);
        Assert.Equal(kustomization.Contains("production", StringComparison.Ordinal) ? (6, 48) : (2, 4), (least, most));
        Assert.True(rendering.LoadBalancer.Spec.Replicas >= 2);
        Assert.Equal((0, 300), (behavior.ScaleUp.StabilizationWindowSeconds, behavior.ScaleDown.StabilizationWindowSeconds));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void The_load_balancer_looks_up_the_headless_service(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        var address = new Uri(rendering.LoadBalancer.Expanded("ReverseProxy__Clusters__service__Destinations__pods__Address"));
        var service = rendering.All<V1Service>().Single(service => service.Name() == address.Host);
        Assert.Equal("None", service.Spec.ClusterIP);
        // A lookup gives addresses and no port: it has to be the pods' own.
        Assert.Equal(address.Port, rendering.Service.Port(Assert.Single(service.Spec.Ports).TargetPort));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Containers_have_the_ports_that_their_environment_makes_them_listen_at(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.Equal([rendering.Service.Env("ASPNETCORE_HTTP_PORTS")], rendering.Service.Container().Ports.Select(port => $"{port.ContainerPort}"));
        Assert.Equal([new Uri(rendering.LoadBalancer.Env("LoadBalancer__Url")).Port], rendering.LoadBalancer.Container().Ports.Select(port => port.ContainerPort));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void A_pods_name_is_its_replicas_name_in_health_and_telemetry(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All([rendering.Service, rendering.LoadBalancer], deployment =>
        {
            var environment = deployment.Container().Env;
            Assert.Equal("metadata.name", environment.Single(variable => variable.Name == "Replica__Name").ValueFrom.FieldRef.FieldPath);
            var attributes = environment.Single(variable => variable.Name == "OTEL_RESOURCE_ATTRIBUTES");
            Assert.StartsWith("service.instance.id=$(Replica__Name),", attributes.Value, StringComparison.Ordinal);
            // Kubernetes expands only what stands before.
            Assert.All(["Replica__Name", "K8S_NAMESPACE", "K8S_NODE"], name =>
                Assert.True(environment.IndexOf(environment.Single(variable => variable.Name == name)) < environment.IndexOf(attributes)));
            Assert.Equal(environment.Count, environment.Select(variable => variable.Name).Distinct().Count());
        });
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Load_balancers_may_watch_the_endpoints_of_their_namespace_and_nothing_else_and_no_other_pod_may_anything(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);
        var asksApi = !Overlays.Has(kustomization, "dns-discovery");

        Assert.Equal(asksApi ? "kubernetes" : "dns", rendering.LoadBalancer.Env("LoadBalancer__Discovery"));
        Assert.All(rendering.Deployments, deployment => Assert.Equal(
            asksApi && deployment == rendering.LoadBalancer,
            deployment.Container().VolumeMounts.Any(mount => mount.MountPath == Account) && deployment.Pod().Volumes.Any(volume => volume.Projected is not null)));
        Assert.DoesNotContain(rendering.Objects, thing => thing is V1ClusterRole or V1ClusterRoleBinding);
        if (!asksApi)
        {
            Assert.DoesNotContain(rendering.Objects, thing => thing is V1Role or V1RoleBinding or V1ServiceAccount);
            Assert.Null(rendering.LoadBalancer.Pod().ServiceAccountName);
            return;
        }

        var account = Assert.Single(rendering.All<V1ServiceAccount>());
        Assert.False(account.AutomountServiceAccountToken);
        Assert.Equal(account.Name(), rendering.LoadBalancer.Pod().ServiceAccountName);
        var binding = Assert.Single(rendering.All<V1RoleBinding>());
        var role = Assert.Single(rendering.All<V1Role>());
        var subject = Assert.Single(binding.Subjects);
        Assert.Equal(("Role", role.Name()), (binding.RoleRef.Kind, binding.RoleRef.Name));
        Assert.Equal(("ServiceAccount", account.Name(), account.Namespace()), (subject.Kind, subject.Name, subject.NamespaceProperty));
        var rule = Assert.Single(role.Rules);
        Assert.Equal(["discovery.k8s.io", "endpointslices", "get", "list", "watch"], [.. rule.ApiGroups, .. rule.Resources, .. rule.Verbs]);

        // What every client of the API looks for, and what a token that is replaced needs.
        var sources = rendering.LoadBalancer.Pod().Volumes.Single(volume => volume.Projected is not null).Projected.Sources;
        Assert.Equal("token", sources.Single(source => source.ServiceAccountToken is not null).ServiceAccountToken.Path);
        Assert.Equal("ca.crt", sources.Single(source => source.ConfigMap is not null).ConfigMap.Items.Single().Path);
        Assert.Equal("namespace", sources.Single(source => source.DownwardAPI is not null).DownwardAPI.Items.Single().Path);
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void A_pod_that_leaves_serves_until_every_load_balancer_has_heard_of_it(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        // By the API in no time; DNS may be 30 s old.
        Assert.Equal(Overlays.Has(kustomization, "dns-discovery") ? 35 : 5, rendering.Service.Container().Lifecycle.PreStop.Sleep.Seconds);
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Exclusive_cores_are_whole_and_guaranteed_whatever_they_are_combined_with(string kustomization)
    {
        var service = Rendering.Of(kustomization).Service;
        var resources = service.Container().Resources;
        if (!Overlays.Has(kustomization, "exclusive-cores"))
        {
            // A quota would throttle light requests.
            Assert.All(Rendering.Of(kustomization).Deployments, deployment => Assert.DoesNotContain("cpu", deployment.Container().Resources.Limits.Keys));
            return;
        }

        string[] both = ["cpu", "memory"];
        Assert.All(both, resource => Assert.Equal(resources.Requests[resource].ToDecimal(), resources.Limits[resource].ToDecimal()));
        Assert.True(decimal.IsInteger(resources.Limits["cpu"].ToDecimal()));
        // As many as .NET is told there are, and so as many as the compute lane has threads.
        Assert.Equal(resources.Limits["cpu"].ToString(), service.Env("DOTNET_PROCESSOR_COUNT"));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void What_is_listened_at_is_every_address_of_the_pod_or_its_loopback(string kustomization)
    {
        var listened = from deployment in Rendering.Of(kustomization).Deployments
                       from variable in deployment.Container().Env
                       where variable.Name is "LoadBalancer__Url" or "LoadBalancer__AdminUrl" or "ASPNETCORE_URLS" or "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"
                       select new Uri(variable.Value);

        // 0.0.0.0 would be nothing in a cluster of IPv6.
        Assert.All(listened, url => Assert.True(url.IsLoopback || url.Host == "[::]", $"{url}"));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void No_object_has_a_field_that_the_api_drops_so_that_applying_again_changes_nothing(string kustomization) =>
        Assert.All(Rendering.Of(kustomization).All<V1Service>(), service => Assert.Null(service.Spec.PublishNotReadyAddresses));
}
