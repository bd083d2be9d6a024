using ClusterAspire.Contract;
using Spectre.Console;

namespace ClusterAspire.Runner.Terminal;

/// <summary>A column of the live table.</summary>
/// <param name="Header">What stands above it.</param>
/// <param name="Width">How wide it is, whatever stands in it: nothing moves when the figures change.</param>
/// <param name="Rank">What goes first where the terminal is narrow: the highest. What has 0 stays.</param>
/// <param name="Cell">What stands in it.</param>
internal sealed record LatencyColumn(string Header, int Width, int Rank, Func<ReplicaStatus, Text> Cell)
{
    /// <summary>A column of numbers.</summary>
    public LatencyColumn(string header, int width, int rank, Func<ReplicaStatus, string> cell)
        : this(header, width, rank, replica => new Text(cell(replica)))
    {
    }
}
