using Aspire.Hosting;
using ClusterAspire.Orchestration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.AppHost;

/// <summary>Makes the plan for Aspire, and runs or publishes it.</summary>
internal static class AspireCluster
{
    /// <param name="options">What the user chose.</param>
    /// <param name="selector">Gets the containers' image ready.</param>
    /// <param name="args">The command line; what we do not know of it is for Aspire.</param>
    /// <param name="output">Is told what the user should know.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="ClusterException">An option makes no sense, a port is taken, or Aspire lacks something.</exception>
    public static async Task<int> RunAsync(ClusterOptions options, RuntimeSelector selector, string[] args, IClusterOutput output)
    {
        if (AspireArguments.Publish(args))
        {
            var published = ClusterPlan.Create(options, KubernetesOptions.Machine);
            await HostAsync(published, published.Replicas.Count, image: null, args, output);
            return 0;
        }

        if (options.Runtime is RuntimeKind.Auto)
        {
            // Projects, which an IDE can debug and the dashboard can rebuild.
            options.Runtime = RuntimeKind.Process;
        }

        await using var runtime = await selector.SelectAsync(BuiltProgram.Service, BuiltProgram.Source, CancellationToken.None);
        var plan = ClusterPlan.Create(options, runtime.Machine);
        foreach (var warning in plan.Warnings)
        {
            output.Warn(warning);
        }

        plan.EnsurePortsAreFree();
        var started = plan.Replicas.Count;
        if (plan.Replicas[0].Core is not null)
        {
            // A replica for each core, to scale into from the dashboard; unpinned ones have shared the cores out among themselves.
            plan = ClusterPlan.Create(options, runtime.Machine, atLeast: runtime.Machine.Cores.Count);
        }

        using var reports = new LivePageReports(output, plan.LoadBalancer.AdminUrl);
        await HostAsync(plan, started, runtime.Image, args, reports);
        return 0;
    }

    private static async Task HostAsync(ClusterPlan plan, int started, ReplicaImage? image, string[] args, IClusterOutput output)
    {
        try
        {
            await AspireHost.RunAsync(plan, started, image, args, output);
        }
        catch (Exception e) when (e is DistributedApplicationException or OptionsValidationException or InvalidOperationException)
        {
            throw new ClusterException($"Aspire cannot run the cluster: {e.Message}");
        }
    }
}
