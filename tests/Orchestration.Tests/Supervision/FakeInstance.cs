using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Tests;

internal sealed class FakeInstance(Workload workload, Action<string> output, string id) : IStandby
{
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stopAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly TaskCompletionSource _serveAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Name => workload.Name;

    public string Id => id;

    public int? Core => workload.Core;

    public IReadOnlyDictionary<string, string> Environment => workload.Environment;

    /// <summary>Whether killing it has no effect.</summary>
    public bool Immortal { get; set; }

    public Task<int> Exited => _exited.Task;

    /// <summary>Completes when it is asked to drain.</summary>
    public Task StopAsked => _stopAsked.Task;

    /// <summary>Completes when it is told to serve.</summary>
    public Task ServeAsked => _serveAsked.Task;

    public void Write(string line) => output(line);

    public void Exit(int code) => _exited.TrySetResult(code);

    public Task ServeAsync()
    {
        _serveAsked.TrySetResult();
        return Task.CompletedTask;
    }

    public Task StopAsync()
    {
        _stopAsked.TrySetResult();
        return Task.CompletedTask;
    }

    public Task KillAsync()
    {
        if (!Immortal)
        {
            Exit(137);
        }

        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
