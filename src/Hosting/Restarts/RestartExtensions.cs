using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace ClusterAspire.Hosting.Restarts;

/// <summary>Adds what Aspire leaves to others: starting again what has ended.</summary>
public static class RestartExtensions
{
    /// <summary>
    /// Starts the resource again when it ends, after 100 ms, doubling to 10 s (100 ms again after 30 s of health) and to a minute
    /// in a crash loop, unless it was asked to stop in the dashboard. For resources that have start and stop commands: projects,
    /// containers, executables.
    /// </summary>
    /// <param name="builder">The resource.</param>
    /// <param name="alive">Its liveness probe: unanswered for longer than its limits allow, it hangs and is killed. Null looks for no hang.</param>
    /// <param name="limits">Its limits, which say too how long it may take to finish its requests when it is asked to stop; null for what Aspire gives.</param>
    public static IResourceBuilder<T> WithRestarts<T>(this IResourceBuilder<T> builder, Uri? alive = null, LivenessLimits? limits = null)
        where T : IResource
    {
        var services = builder.ApplicationBuilder.Services;
        services.TryAddSingleton<Restarter>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<Microsoft.Extensions.Hosting.IHostedService, Restarter>(provider => provider.GetRequiredService<Restarter>()));
        return builder
            .WithAnnotation(new RestartAnnotation(alive, limits), ResourceAnnotationMutationBehavior.Replace)
            // Aspire has added the resource's commands by now.
            .OnInitializeResource((resource, initialize, _) =>
            {
                initialize.Services.GetRequiredService<Restarter>().ListenToCommandsOf(resource);
                return Task.CompletedTask;
            });
    }
}
