namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Keeps the last line that a process wrote, which usually says why it ended. Safe for use by several threads.</summary>
public sealed class LastOutput
{
    private const int Longest = 160;
    private string? _line;

    /// <summary>The last line that it wrote, without the lines of a stack trace; null when it wrote none.</summary>
    public string? Line => Volatile.Read(ref _line);

    /// <summary>Adds a line that it wrote.</summary>
    public void Add(string line)
    {
        if (line is not "" && !char.IsWhiteSpace(line[0]))
        {
            Volatile.Write(ref _line, line.Length > Longest ? $"{line.AsSpan(0, Longest)}…" : line);
        }
    }

    /// <summary>Removes the line when another run begins.</summary>
    public void Clear() => Volatile.Write(ref _line, null);
}
