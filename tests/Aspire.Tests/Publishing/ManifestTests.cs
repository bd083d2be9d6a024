using System.Diagnostics;
using System.Text.Json;

namespace ClusterAspire.Aspire.Tests;

/// <summary>What <c>--operation publish --publisher manifest</c> writes.</summary>
public sealed class ManifestTests
{
    [Fact]
    public async Task The_service_is_one_resource_that_the_load_balancer_finds_by_name()
    {
        var manifest = Path.Combine(Directory.CreateTempSubdirectory("aspire-manifest-").FullName, "manifest.json");
        using var appHost = Process.Start(new ProcessStartInfo(
            "dotnet", [typeof(Projects.AppHost).Assembly.Location, "--operation", "publish", "--publisher", "manifest", "--output-path", manifest]))!;
        await appHost.WaitForExitAsync();

        Assert.Equal(0, appHost.ExitCode);
        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(manifest));
        var resources = json.RootElement.GetProperty("resources");
        Assert.Equal(["loadbalancer", "service"], resources.EnumerateObject().Select(resource => resource.Name).Order());
        var environment = resources.GetProperty("loadbalancer").GetProperty("env");
        Assert.Equal("dns", environment.GetProperty("LoadBalancer__Discovery").GetString());
        Assert.Equal("{service.bindings.http.url}", environment.GetProperty("ReverseProxy__Clusters__service__Destinations__pods__Address").GetString());
    }
}
