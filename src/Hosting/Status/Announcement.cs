using ClusterAspire.Orchestration.Plan;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Hosting.Status;

/// <summary>Says in the terminal where the service and its live page are.</summary>
internal static partial class Announcement
{
    public static Task MakeAsync(IServiceProvider services, LoadBalancerPlan plan)
    {
        Log.Serves(
            services.GetRequiredService<ILoggerFactory>().CreateLogger("ClusterAspire"),
            plan.Url.GetLeftPart(UriPartial.Authority),
            plan.AdminUrl.GetLeftPart(UriPartial.Authority));
        return Task.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Service: {Service}   Live page: {LivePage}")]
        public static partial void Serves(ILogger logger, string service, string livePage);
    }
}
