using System.Net;
using System.Text.RegularExpressions;

namespace ClusterAspire.Template.Tests;

/// <summary>Instances of the template, as somebody makes and runs them.</summary>
[Collection(nameof(Workshop))]
public sealed partial class TemplateTests(Workshop workshop)
{
    [Fact]
    public async Task AnInstanceWithTheSourcesBuildsAndPassesItsTests()
    {
        var instance = await workshop.CreateAsync("Contoso.Shop");

        var build = await Workshop.DotnetAsync(instance, "build");
        Assert.Contains("0 Warning(s)", build, StringComparison.Ordinal);
        // Its three tests start its AppHost, ask its balancer and end a replica.
        var tests = await Workshop.DotnetAsync(instance, "test", "--no-build");
        Assert.Matches(@"succeeded: 3\b", tests);
        Assert.True(File.Exists(Path.Combine(instance, "src/Service/bin/Debug/net10.0/Contoso.Shop.Service.dll")));
    }

    [Fact]
    public async Task AnInstanceWithThePackagesAnswersThroughItsBalancer()
    {
        var instance = await workshop.CreateFromPackageAsync("Contoso", "--packages", "--no-kubernetes", "--route", "report");
        Assert.False(Directory.Exists(Path.Combine(instance, "engine")) || Directory.Exists(Path.Combine(instance, "k8s")));

        Assert.Contains("0 Warning(s)", await Workshop.DotnetAsync(instance, "build"), StringComparison.Ordinal);
        await using var cluster = await RunningInstance.StartAsync(Path.Combine(instance, "AppHost"), "Contoso.AppHost", "fast");

        Assert.Equal("fast\n", await cluster.Service.GetStringAsync("fast", TestContext.Current.CancellationToken));
        Assert.StartsWith("1000 iterations", await cluster.Service.GetStringAsync("report?iterations=1000", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await cluster.Service.GetAsync("slow", TestContext.Current.CancellationToken)).StatusCode);

        // The live page's files come with the package.
        var page = await cluster.Admin.GetStringAsync("", TestContext.Current.CancellationToken);
        var files = PageFile().Matches(page).Select(file => file.Groups["file"].Value).ToList();
        Assert.Equal(3, files.Count);
        foreach (var file in files)
        {
            using var response = await cluster.Admin.GetAsync(file, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Fact]
    public async Task TheUsersPartIsRenamedAndTheEngineIsNot()
    {
        var instance = await workshop.CreateAsync("Contoso.Orders");
        var own = Directory.EnumerateFiles(instance, "*", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(instance, file).StartsWith("engine", StringComparison.Ordinal))
            .ToDictionary(file => Path.GetRelativePath(instance, file).Replace('\\', '/'), File.ReadAllText);

        Assert.Contains("Contoso.Orders.slnx", own.Keys);
        Assert.Contains(".vscode/tasks.json", own.Keys);
        Assert.False(Directory.Exists(Path.Combine(instance, "engine/Runner")));
        Assert.Contains("using Contoso.Orders.Service;", own["src/Service/Program.cs"], StringComparison.Ordinal);
        Assert.Contains("using ClusterAspire.Replica;", own["src/Service/Program.cs"], StringComparison.Ordinal);
        Assert.Contains("namespace: contoso-orders", own["k8s/base/kustomization.yaml"], StringComparison.Ordinal);
        Assert.Contains("image: contoso-orders/service", own["k8s/base/service.yaml"], StringComparison.Ordinal);
        Assert.All(own, file =>
        {
            Assert.DoesNotMatch(@"Instance1|InstanceNamespace|instance-1|#if|#endif|ClusterAspire\.Service|clusteraspire/|src/Runner", file.Value);
            Assert.DoesNotMatch("Bench|[.]ci/", file.Key);
        });
        Assert.Equal(
            await File.ReadAllTextAsync(Path.Combine(Repository.Root, "src/Replica/ReplicaExtensions.cs"), TestContext.Current.CancellationToken),
            await File.ReadAllTextAsync(Path.Combine(instance, "engine/Replica/ReplicaExtensions.cs"), TestContext.Current.CancellationToken));
    }

    [GeneratedRegex("(?:href|src)=\"(?<file>[^\"]+[.](?:css|js))\"")]
    private static partial Regex PageFile();
}
