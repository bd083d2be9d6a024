namespace ClusterAspire.Kubernetes.Tests;

/// <summary>What Linux knows of processes: proc(5).</summary>
internal static class Processes
{
    /// <summary>Kills a process, and waits until its parent has collected it: its sockets are closed then.</summary>
    public static Task KillAsync(int pid)
    {
        TestProcess.Signal("KILL", pid);
        return Eventually.IsTrueAsync(() => !Directory.Exists($"/proc/{pid}"), $"{pid} is gone");
    }

    /// <summary>The processes that a process started and that still run.</summary>
    public static IReadOnlyList<int> Children(int pid) => [.. ThreadFiles.Children(pid).Where(TestProcess.IsRunning)];
}
