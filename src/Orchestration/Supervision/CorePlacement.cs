using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>
/// Chooses the core on which a workload starts: the plan's, or another one while this process may not use that.
/// </summary>
internal sealed class CorePlacement(Workload workload, IRuntime runtime, IClusterOutput output)
{
    private int? _core = workload.Core;

    /// <summary>The workload, on a core that can be used now.</summary>
    public Workload Place()
    {
        if (workload.Core is not { } planned || runtime.Cores is not { Count: > 0 } cores)
        {
            return workload;
        }

        var core = cores.Contains(planned) ? planned : cores[planned % cores.Count];
        if (_core != core)
        {
            _core = core;
            output.Warn(core == planned
                ? $"Core {planned} can be used again: {workload.Name} returns to it."
                : $"Core {planned} can no longer be used, only {string.Join(", ", cores)}: {workload.Name} starts on core {core} instead.");
        }

        return core == planned ? workload : workload.On(core);
    }
}
