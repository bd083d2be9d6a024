using System.Text.RegularExpressions;
using k8s.Models;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>
/// What kube-score and Polaris look at, beyond what <see cref="ManifestTests"/> does. Not followed, each for a reason: CPU
/// limits (they throttle light requests), the pull policy Always (images may be loaded by hand), user ids above 10 000 (the
/// .NET images' own is 1654), the label app.kubernetes.io/instance (it is Helm's).
/// </summary>
public sealed partial class ScoreTests
{
    public static TheoryData<string> Kustomizations => ManifestTests.Kustomizations;

    [Theory, MemberData(nameof(Kustomizations))]
    public void Containers_say_how_much_of_the_nodes_disk_they_take(string kustomization) =>
        Assert.All(Rendering.Of(kustomization).Deployments, deployment =>
        {
            var resources = deployment.Container().Resources;
            var limit = resources.Limits["ephemeral-storage"].ToDecimal();
            Assert.InRange(resources.Requests["ephemeral-storage"].ToDecimal(), 1, limit);
            // A volume in memory or on disk counts.
            Assert.True(deployment.Pod().Volumes.Where(volume => volume.EmptyDir is not null).Sum(volume => volume.EmptyDir.SizeLimit.ToDecimal()) < limit);
        });

    [Theory, MemberData(nameof(Kustomizations))]
    public void Liveness_does_not_ask_what_readiness_asks(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All([rendering.Service, rendering.LoadBalancer], deployment =>
            Assert.NotEqual(deployment.Container().ReadinessProbe.HttpGet.Path, deployment.Container().LivenessProbe.HttpGet.Path));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Pods_of_a_kind_avoid_each_others_node(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All([rendering.Service, rendering.LoadBalancer], deployment =>
        {
            var term = Assert.Single(deployment.Pod().Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution).PodAffinityTerm;
            Assert.Equal("kubernetes.io/hostname", term.TopologyKey);
            Assert.Equal([deployment.Name()], rendering.Deployments.Where(candidate => term.LabelSelector.Selects(candidate.PodLabels())).Select(candidate => candidate.Name()));
            Assert.Contains(deployment.Pod().TopologySpreadConstraints, constraint => constraint.TopologyKey == "kubernetes.io/hostname");
        });
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Every_pod_has_a_policy_for_what_comes_in_and_what_goes_out(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All(rendering.Deployments, deployment => Assert.Equal(
            ["Egress", "Ingress"],
            rendering.All<V1NetworkPolicy>().Where(policy => policy.Spec.PodSelector.Selects(deployment.PodLabels())).SelectMany(policy => policy.Spec.PolicyTypes).Distinct().Order()));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void No_secret_is_written_into_a_manifest(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.DoesNotContain(rendering.Objects, thing => thing is V1Secret or V1ConfigMap);
        Assert.All(rendering.Deployments.SelectMany(deployment => deployment.Container().Env), variable =>
            Assert.False(SecretName().IsMatch(variable.Name) && variable.Value is not null, variable.Name));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void What_comes_in_from_outside_is_encrypted_and_labels_are_valid(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        Assert.All(rendering.All<V1Ingress>(), ingress => Assert.Equal(ingress.Spec.Rules.Select(rule => rule.Host), ingress.Spec.Tls.SelectMany(tls => tls.Hosts)));
        Assert.All(rendering.Objects.SelectMany(thing => thing.Labels() ?? new Dictionary<string, string>()), label => Assert.Matches("^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$", label.Value));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void A_priority_that_pods_name_comes_with_them(string kustomization)
    {
        var rendering = Rendering.Of(kustomization);

        string?[] there = [.. rendering.All<V1PriorityClass>().Select(priority => priority.Name())];
        Assert.Equal(Overlays.Has(kustomization, "priority"), there.Length == 1);
        Assert.All([rendering.Service, rendering.LoadBalancer], deployment => Assert.Equal(there.SingleOrDefault(), deployment.Pod().PriorityClassName));
    }

    [Fact]
    public void What_the_namespace_enforces_it_also_audits_and_warns_of()
    {
        var labels = Assert.Single(Rendering.Of("k8s").All<V1Namespace>()).Labels();

        Assert.All(["enforce", "audit", "warn"], mode => Assert.Equal(
            ("restricted", "latest"), (labels[$"pod-security.kubernetes.io/{mode}"], labels[$"pod-security.kubernetes.io/{mode}-version"])));
    }

    [GeneratedRegex("(?i)password|passwd|secret|token|apikey|credential")]
    private static partial Regex SecretName();
}
