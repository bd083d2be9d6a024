namespace ClusterAspire.Template.Tests;

/// <summary>Solutions that were not made by the template and take the packages.</summary>
[Collection(nameof(Workshop))]
public sealed class ConsumerTests(Workshop workshop)
{
    private const string BalancerProgram = "return await ClusterAspire.LoadBalancer.LoadBalancerProgram.RunAsync(args);";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnotherAppHostReplicatesItsOwnProject()
    {
        await workshop.PackAsync();
        var solution = new Solution(workshop.CreateFolder("Handmade"));
        // It references nothing of ClusterAspire.
        solution.AddWeb("Greeter", [], """
            var app = WebApplication.Create(args);
            app.MapGet("/greet", (IConfiguration configuration) => configuration["Greeting"]);
            app.Run();
            """);
        solution.AddWeb("Balancer", [], BalancerProgram);
        solution.AddAppHost("Handmade", ["Greeter", "Balancer"], """
            var builder = DistributedApplication.CreateBuilder(args);
            var greeter = builder.AddReplicatedProject<Projects.Greeter>("greeter").WithEnvironment("Greeting", "hello");
            builder.AddLoadBalancer<Projects.Balancer>("balancer").WithReference(greeter).WaitFor(greeter);
            builder.Build().Run();
            """);
        await solution.AddPackageAsync("Handmade", "ClusterAspire.Hosting");
        await solution.AddPackageAsync("Balancer", "ClusterAspire.LoadBalancer");
        await solution.BuildAsync("Handmade");

        await using var cluster = await RunningInstance.StartAsync(Path.Combine(solution.Folder, "Handmade"), "Handmade", "greet");
        await Eventually.IsTrueAsync(async () => (await cluster.ReadyReplicasAsync()).Order().SequenceEqual(["replica-0", "replica-1"]));
        var answered = new HashSet<string>();
        for (var request = 0; request < 100 && answered.Count < 2; request++)
        {
            using var response = await cluster.Service.GetAsync("greet", Cancel);
            Assert.Equal("hello", await response.Content.ReadAsStringAsync(Cancel));
            answered.Add(Assert.Single(response.Headers.GetValues("X-Replica")));
        }

        Assert.Equal(["replica-0", "replica-1"], answered.Order());
    }

    [Fact]
    public async Task AnExistingSolutionTakesItInThreeSteps()
    {
        await workshop.PackAsync();
        var solution = Starter();
        Assert.DoesNotContain("ClusterAspire", await File.ReadAllTextAsync(Path.Combine(solution.Folder, "Starter.AppHost/Program.cs"), Cancel), StringComparison.Ordinal);

        // The steps of docs/template.md. 1: the packages, and the balancer's program.
        await solution.AddPackageAsync("Starter.AppHost", "ClusterAspire.Hosting");
        solution.AddWeb("Starter.LoadBalancer", [], BalancerProgram);
        await solution.AddPackageAsync("Starter.LoadBalancer", "ClusterAspire.LoadBalancer");
        await solution.AddReferenceAsync("Starter.AppHost", "Starter.LoadBalancer");

        // 2: a replica for each core, and the balancer in front of them.
        solution.Edit("Starter.AppHost/Program.cs", "AddProject<Projects.Starter_ApiService>", "AddReplicatedProject<Projects.Starter_ApiService>");
        solution.Edit("Starter.AppHost/Program.cs", "builder.AddProject<Projects.Starter_Web>", """
            builder.AddLoadBalancer<Projects.Starter_LoadBalancer>("loadbalancer").WithReference(apiService).WaitFor(apiService);
            builder.AddProject<Projects.Starter_Web>
            """);

        // 3: the heavy route is marked.
        await solution.AddPackageAsync("Starter.ApiService", "ClusterAspire.Replica");
        solution.Edit("Starter.ApiService/Program.cs", "using Microsoft.Extensions.Hosting;", "using Microsoft.Extensions.Hosting;\nusing ClusterAspire.Replica;\nusing ClusterAspire.Replica.Lane;");
        solution.Edit("Starter.ApiService/Program.cs", "builder.AddServiceDefaults();", "builder.AddServiceDefaults();\nbuilder.AddReplica();");
        solution.Edit("Starter.ApiService/Program.cs", "app.MapDefaultEndpoints();", "app.MapDefaultEndpoints();\napp.MapReplica();");
        solution.Edit("Starter.ApiService/Program.cs", "Thread.CurrentThread.Name);", "Thread.CurrentThread.Name).RunsOnComputeLane();");
        await solution.BuildAsync("Starter.AppHost");

        var webPort = FreePort.Next();
        await using var cluster = await RunningInstance.StartAsync(Path.Combine(solution.Folder, "Starter.AppHost"), "Starter.AppHost", "weather", ("ConnectionStrings__cache", "cache.example:6379"), ("Web__Port", $"{webPort}"));
        Assert.Equal("sunny", await cluster.Service.GetStringAsync("weather", Cancel));
        Assert.Equal("cache.example:6379", await cluster.Service.GetStringAsync("cache", Cancel));
        Assert.StartsWith("Compute lane", await cluster.Service.GetStringAsync("report", Cancel), StringComparison.Ordinal);
        // The front end finds the service by its name, which is the balancer now.
        using var web = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await Eventually.AnswersAsync(async () => await web.GetStringAsync($"http://127.0.0.1:{webPort}/", Cancel) is "sunny");
    }

    // What Aspire's starter is, in short: a service, a front end that calls it, defaults of both, and a cache.
    private Solution Starter()
    {
        var solution = new Solution(workshop.CreateFolder("Starter"));
        solution.AddLibrary(
            "Starter.ServiceDefaults",
            ["Microsoft.Extensions.Http.Resilience", "Microsoft.Extensions.ServiceDiscovery", "OpenTelemetry.Exporter.OpenTelemetryProtocol", "OpenTelemetry.Extensions.Hosting", "OpenTelemetry.Instrumentation.AspNetCore"],
            """
            using Microsoft.AspNetCore.Builder;
            using Microsoft.Extensions.DependencyInjection;
            using Microsoft.Extensions.Diagnostics.HealthChecks;
            using OpenTelemetry;
            using OpenTelemetry.Metrics;
            using OpenTelemetry.Trace;

            namespace Microsoft.Extensions.Hosting;

            public static class StarterDefaults
            {
                public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder) where TBuilder : IHostApplicationBuilder
                {
                    builder.Services.AddOpenTelemetry()
                        .WithMetrics(metrics => metrics.AddAspNetCoreInstrumentation())
                        .WithTracing(traces => traces.AddAspNetCoreInstrumentation())
                        .UseOtlpExporter();
                    builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
                    builder.Services.AddServiceDiscovery();
                    builder.Services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery().AddStandardResilienceHandler());
                    return builder;
                }

                public static void MapDefaultEndpoints(this WebApplication app)
                {
                    app.MapHealthChecks("/health");
                    app.MapHealthChecks("/alive", new() { Predicate = check => check.Tags.Contains("live") });
                }
            }
            """);
        solution.AddWeb("Starter.ApiService", ["Starter.ServiceDefaults"], """
            using Microsoft.Extensions.Hosting;

            var builder = WebApplication.CreateBuilder(args);
            builder.AddServiceDefaults();
            var app = builder.Build();
            app.MapDefaultEndpoints();
            app.MapGet("/weather", () => "sunny");
            app.MapGet("/cache", (IConfiguration configuration) => configuration.GetConnectionString("cache"));
            app.MapGet("/report", () => Thread.CurrentThread.Name);
            app.Run();
            """);
        solution.AddWeb("Starter.Web", ["Starter.ServiceDefaults"], """
            var builder = WebApplication.CreateBuilder(args);
            builder.AddServiceDefaults();
            builder.Services.AddHttpClient("api", client => client.BaseAddress = new("http://apiservice"));
            var app = builder.Build();
            app.MapDefaultEndpoints();
            app.MapGet("/", (IHttpClientFactory clients) => clients.CreateClient("api").GetStringAsync("weather"));
            app.Run();
            """);
        solution.AddAppHost("Starter.AppHost", ["Starter.ApiService", "Starter.Web"], """
            using Microsoft.Extensions.Configuration;

            var builder = DistributedApplication.CreateBuilder(args);
            var cache = builder.AddConnectionString("cache");
            var apiService = builder.AddProject<Projects.Starter_ApiService>("apiservice").WithReference(cache);
            builder.AddProject<Projects.Starter_Web>("webfrontend").WithHttpEndpoint(port: builder.Configuration.GetValue<int>("Web:Port")).WithReference(apiService).WaitFor(apiService);
            builder.Build().Run();
            """);
        return solution;
    }
}
