namespace ClusterAspire.Bench;

/// <summary>The cores this process may use.</summary>
internal static class Cores
{
    /// <summary>The operating system's numbers of them, as many as .NET counts processors.</summary>
    public static IReadOnlyList<int> Numbers { get; } = [.. Allowed().Take(Environment.ProcessorCount)];

    /// <summary>How many there are.</summary>
    public static int Count => Numbers.Count;

    private static IEnumerable<int> Allowed()
    {
        const string Key = "Cpus_allowed_list:";
        var list = File.Exists("/proc/self/status")
            ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal))
            : null;
        return list is null ? Enumerable.Range(0, Environment.ProcessorCount) : Parse(list[Key.Length..]);
    }

    /// <summary>Reads a list of numbers and ranges such as <c>0-3,8</c>.</summary>
    public static IEnumerable<int> Parse(string list) =>
        from part in list.Split(',', StringSplitOptions.TrimEntries)
        let ends = part.Split('-').Select(int.Parse).ToArray()
        from core in Enumerable.Range(ends[0], ends[^1] - ends[0] + 1)
        select core;
}
