using ClusterAspire.Orchestration;

namespace ClusterAspire.AppHost;

/// <summary>Chooses what runs the cluster.</summary>
internal static class Orchestrators
{
    private const string HowToHaveIt = "restore it with a NuGet feed that serves Aspire's packages (and without -p:UseAspire=false)";

    /// <summary>Whether Aspire was on the NuGet feed when this was built.</summary>
    public static bool HasAspire =>
#if ASPIRE
        true;
#else
        false;
#endif

    /// <param name="options">What the user chose.</param>
    /// <param name="args">The command line.</param>
    /// <param name="output">Is told when Aspire is missed.</param>
    /// <exception cref="ClusterException">What was chosen cannot be had.</exception>
    public static OrchestratorKind Choose(ClusterOptions options, string[] args, IClusterOutput output)
    {
        var forced = AspireArguments.Are(args) ? args.First(arg => AspireArguments.Are([arg])).Split('=')[0] : ClusterOptions.Switch(nameof(options.Orchestrator)) + " aspire";
        switch (options.Orchestrator)
        {
            case OrchestratorKind.Embedded when AspireArguments.Are(args):
                throw new ClusterException($"{forced} is for Aspire: leave --orchestrator embedded out.");
            case OrchestratorKind.Embedded:
                return OrchestratorKind.Embedded;
            case OrchestratorKind.Auto when !AspireArguments.Are(args) && !HasAspire:
                output.Say("Aspire is not on the NuGet feed, so the embedded orchestrator runs the cluster.");
                return OrchestratorKind.Embedded;
            case OrchestratorKind.Auto when !AspireArguments.Are(args) && options.Service is not null:
                output.Say($"{ClusterOptions.Switch(nameof(options.Service))} names a built program, so the embedded orchestrator runs the cluster.");
                return OrchestratorKind.Embedded;
            case OrchestratorKind.Auto when !AspireArguments.Are(args) && options.Standby:
                output.Say($"Aspire keeps no standby, so the embedded orchestrator runs the cluster ({ClusterOptions.Switch(nameof(options.Standby))}).");
                return OrchestratorKind.Embedded;
        }

        return !HasAspire ? throw new ClusterException($"{forced} needs Aspire, which this AppHost was built without: {HowToHaveIt}.")
            : options.Service is not null ? throw new ClusterException($"{ClusterOptions.Switch(nameof(options.Service))} names a built program, and Aspire runs projects: leave it out, or choose --orchestrator embedded.")
            : options.Standby ? throw new ClusterException($"{ClusterOptions.Switch(nameof(options.Standby))} needs the embedded orchestrator, as Aspire keeps no standby: leave it out, or choose --orchestrator embedded.")
            : OrchestratorKind.Aspire;
    }
}
