namespace ClusterAspire.Tests;

/// <summary>What Linux knows of the threads of a process: proc_pid_task(5).</summary>
internal static class ThreadFiles
{
    /// <summary>A file of each thread. One that ends while it is looked at is left out.</summary>
    /// <param name="pid">The process. One that has ended has no threads.</param>
    /// <param name="file">The file's name, such as <c>status</c>.</param>
    public static IReadOnlyList<string> Read(int pid, string file) =>
        [.. Threads(pid).Select(thread => ReadOrNull(Path.Combine(thread, file))).OfType<string>()];

    private static string[] Threads(int pid)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{pid}/task");
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string? ReadOrNull(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
