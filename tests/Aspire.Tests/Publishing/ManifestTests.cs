using System.Text.Json;

namespace ClusterAspire.Aspire.Tests;

/// <summary>What <c>--operation publish --publisher manifest</c> writes.</summary>
public sealed class ManifestTests
{
    [Fact]
    public async Task The_service_is_one_resource_that_the_load_balancer_finds_by_name()
    {
        var manifest = Path.Combine(Directory.CreateTempSubdirectory("aspire-manifest-").FullName, "manifest.json");
        await RunAsync("--operation", "publish", "--publisher", "manifest", "--output-path", manifest);

        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(manifest));
        var resources = json.RootElement.GetProperty("resources");
        Assert.Equal(["loadbalancer", "service"], resources.EnumerateObject().Select(resource => resource.Name).Order());
        var environment = resources.GetProperty("loadbalancer").GetProperty("env");
        Assert.Equal("dns", environment.GetProperty("LoadBalancer__Discovery").GetString());
        Assert.Equal("{service.bindings.http.url}", environment.GetProperty("ReverseProxy__Clusters__service__Destinations__pods__Address").GetString());
    }

    [Fact]
    public async Task A_publish_step_writes_the_kubernetes_manifests()
    {
        var output = Directory.CreateTempSubdirectory("aspire-publish-").FullName;

        await RunAsync("--operation", "publish", "--step", "publish", "--output-path", output, "--replicas", "3");

        var manifests = Path.Combine(output, "k8s", "service");
        Assert.Contains("service.yaml", await File.ReadAllTextAsync(Path.Combine(manifests, "kustomization.yaml")));
        Assert.Contains("minReplicas: 3", await File.ReadAllTextAsync(Path.Combine(manifests, "service.yaml")));
    }

    [Fact]
    public async Task The_image_that_the_user_names_is_published()
    {
        var output = Directory.CreateTempSubdirectory("aspire-publish-").FullName;

        await RunAsync("--operation", "publish", "--step", "publish", "--output-path", output, "--image", "registry.example.com/orders:2.1", "--Cluster:Kubernetes:Format=helm");

        Assert.Contains("  image: registry.example.com/orders:2.1\n", await File.ReadAllTextAsync(Path.Combine(output, "k8s", "service", "values.yaml")));
    }

    private static async Task RunAsync(params string[] arguments)
    {
        await using var appHost = TestProcess.Start("dotnet", [typeof(Projects.AppHost).Assembly.Location, .. arguments]);
        Assert.True(await appHost.ExitAsync() == 0, appHost.Text);
    }
}
