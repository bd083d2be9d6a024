using Aspire.Hosting;
using ClusterAspire.Orchestration;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterAspire.AppHost;

/// <summary>Runs the plan on .NET Aspire.</summary>
internal static class AspireHost
{
    /// <param name="plan">The replicas, and the load balancer in front of them.</param>
    /// <param name="started">How many of the replicas to start; the others are room to scale into.</param>
    /// <param name="image">What the replicas' containers are made of; null runs processes.</param>
    /// <param name="args">What the command line says to Aspire itself, such as what to publish.</param>
    /// <param name="output">Is told what ends and is started again.</param>
    public static async Task RunAsync(ClusterPlan plan, int started, ReplicaImage? image, string[] args, IClusterOutput output)
    {
        var builder = DistributedApplication.CreateBuilder(args);
        builder.Services.AddSingleton(output);

        var service = builder.AddReplicated<Projects.Service>(plan.Name, plan, started, image);

        builder.AddLoadBalancer<Projects.LoadBalancer>(plan.LoadBalancer)
            .WithDestinations(service)
            .WaitFor(service);

        await using var app = builder.Build();
        await app.RunAsync();
    }
}
