using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Hosting.Replicas;

/// <summary>Hands what is said of a service on to its replicas.</summary>
internal static partial class HandingOn
{
    /// <summary>
    /// Before the application starts, by when all of it has been said: environment and references, arguments, waits.
    /// </summary>
    public static IResourceBuilder<ReplicatedService> HandsOn(this IResourceBuilder<ReplicatedService> service, IEnumerable<IResource> replicas)
    {
        service.ApplicationBuilder.Eventing.Subscribe<BeforeStartEvent>((starting, _) =>
        {
            // Where the dashboard listens is the one thing that the environment decides.
            var ignored = Listening.Ignored(Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(name => name is not "ASPNETCORE_URLS"));
            foreach (var warning in service.Resource.Plan.Warnings.Concat([ignored]).OfType<string>())
            {
                Log.Warning(starting.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ClusterAspire"), warning);
            }

            var said = service.Resource.Annotations.Where(IsOfEveryReplica).ToList();
            foreach (var replica in replicas)
            {
                said.ForEach(annotation => replica.Annotations.Add(OwnOf(annotation)));
            }

            return Task.CompletedTask;
        });
        return service;
    }

    // Aspire keeps a callback's result, all variables of the resource included, with the annotation.
    private static IResourceAnnotation OwnOf(IResourceAnnotation annotation) => annotation switch
    {
        EnvironmentCallbackAnnotation environment => new EnvironmentCallbackAnnotation(environment.Callback),
        CommandLineArgsCallbackAnnotation arguments => new CommandLineArgsCallbackAnnotation(arguments.Callback),
        _ => annotation,
    };

    private static bool IsOfEveryReplica(IResourceAnnotation annotation) => annotation
        is EnvironmentCallbackAnnotation
        or CommandLineArgsCallbackAnnotation
        or WaitAnnotation
        or ResourceRelationshipAnnotation { Type: "Reference" or "WaitFor" };

    private static partial class Log
    {
        [LoggerMessage(3, LogLevel.Warning, "{Warning}")]
        public static partial void Warning(ILogger logger, string warning);
    }
}
