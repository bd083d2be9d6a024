using System.Collections.Concurrent;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Orchestration.Tests;

/// <summary>Remembers everything the user would have seen.</summary>
internal sealed class RecordedOutput : IClusterOutput
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => [.. _lines];

    public void Line(string workload, string line) => _lines.Enqueue($"{workload} | {line}");

    public void Say(string message) => _lines.Enqueue(message);

    public void Warn(string message) => _lines.Enqueue(message);

    public void Ready(ClusterPlan plan) => _lines.Enqueue("READY");

    /// <summary>Returns once a line was written that satisfies the test's wish.</summary>
    public async Task<string> WaitForAsync(Predicate<string> wanted)
    {
        await Eventually.BecomesAsync(() => Task.FromResult(string.Join('\n', _lines)), _ => _lines.Any(line => wanted(line)), "it writes the line");
        return _lines.First(line => wanted(line));
    }

    public Task<string> WaitForAsync(string wanted) => WaitForAsync(line => line == wanted);
}
