using System.Threading.Channels;

namespace ClusterAspire.Orchestration.Tests;

/// <summary>Instances that end when the test says so.</summary>
internal sealed class FakeRuntime : IRuntime
{
    private readonly Channel<FakeInstance> _started = Channel.CreateUnbounded<FakeInstance>();
    private int _last = 4241;

    /// <summary>When set, starting fails with it.</summary>
    public ClusterException? Failure { get; set; }

    public Task<IInstance> StartAsync(Workload workload, Action<string> output, CancellationToken cancellationToken)
    {
        if (Failure is not null)
        {
            throw Failure;
        }

        var instance = new FakeInstance(workload, output, $"pid {Interlocked.Increment(ref _last)}");
        _started.Writer.TryWrite(instance);
        return Task.FromResult<IInstance>(instance);
    }

    /// <summary>The next instance that is, or was, started.</summary>
    public async Task<FakeInstance> NextAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await _started.Reader.ReadAsync(patience.Token);
    }

    public bool HasStartedAnother => _started.Reader.Count > 0;
}
