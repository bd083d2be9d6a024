using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>
/// Where a workload starts: on the core that the plan gave it, or on another while this machine does not offer that one.
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
