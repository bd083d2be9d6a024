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
        var limit = DateTime.UtcNow + TimeSpan.FromSeconds(60);
        while (DateTime.UtcNow < limit)
        {
            if (_lines.FirstOrDefault(line => wanted(line)) is { } line)
            {
                return line;
            }

            await Task.Delay(10);
        }

        throw new TimeoutException($"Not among the lines:\n{string.Join('\n', _lines)}");
    }

    public Task<string> WaitForAsync(string wanted) => WaitForAsync(line => line == wanted);
}
