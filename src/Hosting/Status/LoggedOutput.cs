using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Hosting.Status;

/// <summary>Writes what the orchestration says to a resource's log.</summary>
internal sealed partial class LoggedOutput(ILogger logger) : IClusterOutput
{
    public void Line(string workload, string line) => Log.Line(logger, line);

    public void Say(string message) => Log.Line(logger, message);

    public void Warn(string message) => Log.Warning(logger, message);

    public void Ready(ClusterPlan plan)
    {
        // The resources' states already show this.
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Line}")]
        public static partial void Line(ILogger logger, string line);

        [LoggerMessage(2, LogLevel.Warning, "{Message}")]
        public static partial void Warning(ILogger logger, string message);
    }
}
