using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Hosting.Replicas;

/// <summary>Copies the annotations of a service to its replicas.</summary>
internal static partial class AnnotationCopy
{
    /// <summary>
    /// Copies environment, references, arguments and waits to each replica when the application starts, because the AppHost may
    /// add some after this call.
    /// </summary>
    public static IResourceBuilder<ReplicatedService> CopyAnnotationsTo(this IResourceBuilder<ReplicatedService> service, IEnumerable<IResource> replicas)
    {
        service.ApplicationBuilder.Eventing.Subscribe<BeforeStartEvent>((starting, _) =>
        {
            // The variable that says where the dashboard listens is not ignored.
            var ignored = Listening.Ignored(Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(name => name is not "ASPNETCORE_URLS"));
            foreach (var warning in service.Resource.Plan.Warnings.Concat([ignored]).OfType<string>())
            {
                Log.Warning(starting.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ClusterAspire"), warning);
            }

            var annotations = service.Resource.Annotations.Where(IsOfEveryReplica).ToList();
            foreach (var replica in replicas)
            {
                annotations.ForEach(annotation => replica.Annotations.Add(Copy(annotation)));
            }

            return Task.CompletedTask;
        });
        return service;
    }

    // Aspire stores a callback's result in the annotation, and the result contains all variables of the resource.
    private static IResourceAnnotation Copy(IResourceAnnotation annotation) => annotation switch
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
