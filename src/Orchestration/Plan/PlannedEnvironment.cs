using System.Globalization;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Orchestration.Plan;

/// <summary>What every process of a plan is told.</summary>
internal static class PlannedEnvironment
{
    /// <param name="name">The process' name, kept over restarts.</param>
    /// <param name="service">OpenTelemetry's <c>service.name</c>.</param>
    /// <param name="options">What the user chose.</param>
    public static Dictionary<string, string> Of(string name, string service, ClusterOptions options)
    {
        var environment = new Dictionary<string, string>
        {
            [Variables.ReplicaName] = name,
            [Variables.ServiceName] = service,
            [Variables.ResourceAttributes] = $"service.instance.id={name}",
            [Variables.DrainTimeout] = options.DrainTimeout.ToString(CultureInfo.InvariantCulture),
        };
        if (options.Telemetry is TelemetryKind.Console)
        {
            environment[Variables.TelemetryConsole] = "true";
        }

        return environment;
    }
}
