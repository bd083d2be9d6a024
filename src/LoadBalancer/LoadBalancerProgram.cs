using System.Runtime.CompilerServices;
using ClusterAspire.LoadBalancer.Admin;
using ClusterAspire.LoadBalancer.Holding;
using ClusterAspire.LoadBalancer.Live;
using ClusterAspire.Replica;
using ClusterAspire.Replica.Startup;

namespace ClusterAspire.LoadBalancer;

/// <summary>The load balancer as a program: <c>return await LoadBalancerProgram.RunAsync(args);</c> is all that a project of its own needs.</summary>
public static class LoadBalancerProgram
{
    /// <summary>Runs the load balancer until it is told to stop.</summary>
    /// <param name="args">Settings as switches, such as <c>--LoadBalancer:Url=http://127.0.0.1:8080</c>.</param>
    /// <returns>The exit code: 0, or 1 when a mistake in the settings kept it from starting.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        using var holder = SocketHolder.TryCreate(args);
        return await (holder?.RunAsync() ?? ServeAsync(args));
    }

    // Inlined it would load ASP.NET Core in the process that only holds the sockets.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task<int> ServeAsync(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            // The list of the live page's files has this name, whichever program runs the load balancer.
            ApplicationName = typeof(LoadBalancerProgram).Assembly.GetName().Name,
            // Its settings and the live page's files are in the program's folder, not in the working directory.
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.AddReplica();
        builder.AddLoadBalancer();
        builder.AddLivePage();
        return builder.RunOrExplainAsync(app =>
        {
            app.UseExceptionHandler();
            app.MapAdmin();
            app.MapLivePage();
            app.MapLoadBalancer();
        });
    }
}
