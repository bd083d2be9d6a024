using System.Text;

namespace ClusterAspire.Orchestration.Runtime;

/// <summary>Hands on what a program writes, line by line, for as long as it writes: what is not read would stop it.</summary>
internal static class OutputLines
{
    /// <summary>The most characters of a line that are handed on; the rest of it is read and thrown away.</summary>
    public const int Longest = 16 * 1024;

    /// <summary>What a line that was cut ends in.</summary>
    public const string Cut = "… (cut)";

    /// <summary>Reads to the end of the stream.</summary>
    /// <param name="stream">What the program writes to, in UTF-8.</param>
    /// <param name="output">Takes each line.</param>
    public static async Task ForwardAsync(Stream stream, Action<string> output)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var buffer = new char[4096];
        var line = new StringBuilder();
        var cut = false;
        while (await ReadAsync(reader, buffer) is > 0 and var count)
        {
            for (var rest = buffer.AsMemory(0, count); rest.Length > 0;)
            {
                var end = rest.Span.IndexOf('\n');
                var part = end < 0 ? rest : rest[..end];
                rest = end < 0 ? default : rest[(end + 1)..];
                if (!cut)
                {
                    line.Append(part[..Math.Min(part.Length, Longest - line.Length)]);
                    cut = line.Length == Longest;
                    if (cut)
                    {
                        Emit(line.Append(Cut), output);
                    }
                }

                if (end >= 0)
                {
                    if (!cut)
                    {
                        Emit(line, output);
                    }

                    cut = false;
                }
            }
        }

        if (line.Length > 0)
        {
            Emit(line, output);
        }
    }

    private static void Emit(StringBuilder line, Action<string> output)
    {
        var text = line.ToString().TrimEnd('\r');
        line.Clear();
        try
        {
            output(text);
        }
        catch (Exception)
        {
            // The line is lost; the next one is read.
        }
    }

    private static async Task<int> ReadAsync(StreamReader reader, char[] buffer)
    {
        try
        {
            return await reader.ReadAsync(buffer);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Reading has stopped: the program has ended, and one of its children held the pipe.
            return 0;
        }
    }
}
