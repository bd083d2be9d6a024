using System.Text;
using ClusterAspire.Contract;

namespace ClusterAspire.Replica.Health;

/// <summary>A request that is a probe: GET, one of our two paths, HTTP/1, all in one piece.</summary>
/// <param name="IsAlive">Whether it asks for <see cref="Probes.Alive"/>, else for <see cref="Probes.Health"/>.</param>
/// <param name="Closes">Whether the connection is to be closed after the answer.</param>
/// <param name="Length">How long it is, in bytes.</param>
internal readonly record struct ProbeRequest(bool IsAlive, bool Closes, int Length)
{
    /// <summary>Reads a request. What is a probe and is not recognized goes the way of all requests.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ProbeRequest probe)
    {
        probe = default;
        var isAlive = Starts(bytes, Probes.Alive);
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if ((!isAlive && !Starts(bytes, Probes.Health)) || end < 0)
        {
            return false;
        }

        var closes = bytes[..bytes.IndexOf("\r\n"u8)].EndsWith(" HTTP/1.0"u8);
        foreach (var line in Encoding.Latin1.GetString(bytes[..end]).Split("\r\n").Skip(1))
        {
            var (name, value) = line.Split(':', 2) is [var before, var after] ? (before, after.Trim()) : (line, "");
            if (name.Equals("Connection", StringComparison.OrdinalIgnoreCase))
            {
                closes |= value.Equals("close", StringComparison.OrdinalIgnoreCase);
            }
            else if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }
        }

        probe = new(isAlive, closes, end + 4);
        return true;
    }

    private static bool Starts(ReadOnlySpan<byte> bytes, string path)
    {
        Span<byte> start = stackalloc byte[64];
        var length = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.", start);
        return bytes.StartsWith(start[..length]);
    }
}
