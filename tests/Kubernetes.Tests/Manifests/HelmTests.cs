using System.ComponentModel;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>The Helm chart that <c>Runner publish k8s --format helm</c> writes.</summary>
public sealed class HelmTests : IDisposable
{
    private static readonly Lazy<bool> IsInstalled = new(() =>
    {
        try
        {
            return TestProcess.Run("helm", "version").ExitCode is 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    });

    private readonly string _directory = Directory.CreateTempSubdirectory("clusteraspire-helm-").FullName;

    public HelmTests() => Requires.That(IsInstalled.Value, "Helm is not on the PATH.");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("kubernetes")]
    [InlineData("dns")]
    public void With_its_own_values_it_makes_the_objects_of_the_kustomization(string discovery)
    {
        string[] plan = ["--name", "orders", "--namespace", "mine", "--replicas", "3", "--port", "80", "--service-image", "registry.example.com/orders:2.1", "--memory", "1g", "--discovery", discovery];
        var (chart, folder) = (Publish("helm", plan), Publish("kustomize", plan));
        var linted = TestProcess.Run("helm", "lint", "--strict", chart);

        Assert.True(linted.ExitCode is 0, linted.Output + linted.Errors);
        var (expected, made) = (Objects(Rendering.Parse(Kubectl.Kustomize(folder))), Objects(Template(chart)));
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), made.Keys.Order(StringComparer.Ordinal));
        Assert.All(expected, thing => Assert.True(JsonNode.DeepEquals(thing.Value, made[thing.Key]), $"{thing.Value} is {made[thing.Key]}"));
    }

    [Fact]
    public void Its_values_are_the_users()
    {
        var chart = Publish("helm", "--env", "GREETING=hello", "--secret-env", "PASSWORD=database/password");

        var rendering = Template(
            chart,
            "--set", "service.image=registry.example.com/orders:2.1", "--set", "service.minReplicas=5", "--set", "service.maxReplicas=9", "--set", "service.resources.requests.cpu=1",
            "--set-string", "service.environment.COLOUR=7", "--set", "loadBalancer.secrets.TOKEN=access/key",
            "--set", "loadBalancer.replicas=3", "--set", "loadBalancer.port=80", "--set", "loadBalancer.serviceType=ClusterIP");

        var container = rendering.Service.Container();
        Assert.Equal(("registry.example.com/orders:2.1", "1", "256Mi"), (container.Image, $"{container.Resources.Requests["cpu"]}", $"{container.Resources.Limits["memory"]}"));
        Assert.Equal(("hello", "7"), (rendering.Service.Env("GREETING"), rendering.Service.Env("COLOUR")));
        var secret = container.Env.Single(variable => variable.Name is "PASSWORD").ValueFrom.SecretKeyRef;
        Assert.Equal(("database", "password"), (secret.Name, secret.Key));
        var token = rendering.LoadBalancer.Container().Env.Single(variable => variable.Name is "TOKEN").ValueFrom.SecretKeyRef;
        Assert.Equal(("access", "key"), (token.Name, token.Key));
        var autoscaler = Assert.Single(rendering.All<V2HorizontalPodAutoscaler>());
        Assert.Equal((5, 9), (autoscaler.Spec.MinReplicas, autoscaler.Spec.MaxReplicas));
        var service = rendering.All<V1Service>().Single(service => service.Name() is "loadbalancer");
        Assert.Equal((3, "ClusterIP", 80), (rendering.LoadBalancer.Spec.Replicas, service.Spec.Type, service.Spec.Ports[0].Port));
    }

    [Theory]
    [InlineData("service.replica=3")]
    [InlineData("sevice.image=a:b")]
    [InlineData("loadBalancer.port=http")]
    [InlineData("service.environment.COLOUR=7")]
    public void A_value_that_it_does_not_have_is_refused(string value)
    {
        var (exitCode, _, errors) = TestProcess.Run("helm", "template", Publish("helm"), "--set", value);

        Assert.NotEqual(0, exitCode);
        Assert.Contains("don't meet the specifications of the schema", errors, StringComparison.Ordinal);
    }

    private static Rendering Template(string chart, params string[] values)
    {
        var (exitCode, output, errors) = TestProcess.Run("helm", ["template", "release", chart, "--namespace", "mine", .. values]);
        Assert.True(exitCode is 0, errors);
        return Rendering.Parse(output);
    }

    private string Publish(string format, params string[] switches)
    {
        var output = Path.Combine(_directory, format);
        var (exitCode, _, errors) = TestProcess.Run("dotnet", [Repository.Output("Runner"), "publish", "k8s", "--format", format, "--output", output, .. switches]);
        Assert.True(exitCode is 0, errors);
        return output;
    }

    // Helm puts everything into the namespace it is given, which it does not have itself.
    private static Dictionary<string, JsonNode> Objects(Rendering rendering) => rendering.Objects
        .Where(thing => thing is not V1Namespace)
        .ToDictionary(thing => $"{thing.Kind} {thing.Name()}", thing =>
        {
            thing.Metadata.NamespaceProperty = null;
            return JsonNode.Parse(KubernetesJson.Serialize(thing))!;
        });
}
