using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Orchestration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Hosting.Status;

/// <summary>Says why a resource cannot start in one sentence, in the terminal and on its row.</summary>
internal static partial class StartFailure
{
    private const string Property = "Cannot start";

    /// <summary>Runs what has to succeed before a resource starts.</summary>
    /// <exception cref="ClusterException">It failed: the resource does not start.</exception>
    public static async Task ExplainAsync(IResource resource, IServiceProvider services, Func<Task> prepare)
    {
        var notifications = services.GetRequiredService<ResourceNotificationService>();
        try
        {
            await prepare();
            await notifications.PublishUpdateAsync(resource, now => now with { Properties = [.. now.Properties.Where(property => property.Name != Property)] });
        }
        catch (ClusterException e)
        {
            Log.CannotStart(services.GetRequiredService<ILoggerFactory>().CreateLogger("ClusterAspire"), resource.Name, e.Message);
            await notifications.PublishUpdateAsync(resource, now => now with { Properties = now.Properties.With(Property, e.Message) });
            throw;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(9, LogLevel.Error, "{Resource} cannot start: {Reason}")]
        public static partial void CannotStart(ILogger logger, string resource, string reason);
    }
}
