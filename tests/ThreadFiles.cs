using System.Globalization;

namespace ClusterAspire.Tests;

/// <summary>What Linux knows of the threads of a process: proc_pid_task(5).</summary>
internal static class ThreadFiles
{
    /// <summary>A file of each thread. One that ends while it is looked at is left out.</summary>
    /// <param name="pid">The process. One that has ended has no threads.</param>
    /// <param name="file">The file's name, such as <c>status</c>.</param>
    public static IReadOnlyList<string> Read(int pid, string file) =>
        [.. Threads(pid).Select(thread => ReadOrNull(Path.Combine(thread, file))).OfType<string>()];

    /// <summary>A field of each thread's <c>status</c>, such as <c>Cpus_allowed_list</c>.</summary>
    public static IReadOnlyList<string> Status(int pid, string field) =>
        [.. Read(pid, "status").Select(status => status.Split('\n').Single(line => line.StartsWith($"{field}:", StringComparison.Ordinal)).Split(':')[1].Trim())];

    /// <summary>The processes that the threads started and that have not been collected.</summary>
    public static IReadOnlyList<int> Children(int pid) =>
    [
        .. Read(pid, "children")
            .SelectMany(children => children.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture)),
    ];

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
