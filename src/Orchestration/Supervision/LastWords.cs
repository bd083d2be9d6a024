namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Remembers the last that a process said, which is mostly why it ended. Safe to use from any thread.</summary>
public sealed class LastWords
{
    private const int Longest = 160;
    private string? _text;

    /// <summary>The last line that it wrote, those of a stack trace aside; null when it wrote none.</summary>
    public string? Text => Volatile.Read(ref _text);

    /// <summary>Takes a line that it wrote.</summary>
    public void Hear(string line)
    {
        if (line is not "" && !char.IsWhiteSpace(line[0]))
        {
            Volatile.Write(ref _text, line.Length > Longest ? $"{line.AsSpan(0, Longest)}…" : line);
        }
    }

    /// <summary>Forgets what it said: another run begins.</summary>
    public void Forget() => Volatile.Write(ref _text, null);
}
