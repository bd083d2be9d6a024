using System.Threading.Channels;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Tests;

/// <summary>Instances that end when the test says so.</summary>
internal sealed class FakeRuntime : IStandbyRuntime
{
    private readonly Channel<FakeInstance> _started = Channel.CreateUnbounded<FakeInstance>();
    private readonly Channel<FakeInstance> _prepared = Channel.CreateUnbounded<FakeInstance>();
    private int _last = 4241;

    /// <summary>When set, starting fails with it.</summary>
    public Exception? Failure { get; set; }

    public IReadOnlyList<int>? Cores { get; set; }

    public Task<IInstance> StartAsync(Workload workload, Action<string> output, CancellationToken cancellationToken) =>
        Task.FromResult<IInstance>(Start(workload, output, _started));

    public Task<IStandby> PrepareAsync(Workload workload, Action<string> output, CancellationToken cancellationToken) =>
        Task.FromResult<IStandby>(Start(workload, output, _prepared));

    /// <summary>The next instance that is, or was, started.</summary>
    public Task<FakeInstance> NextAsync() => NextAsync(_started);

    /// <summary>The next instance that is, or was, started in advance.</summary>
    public Task<FakeInstance> NextStandbyAsync() => NextAsync(_prepared);

    public bool HasStartedAnother => _started.Reader.Count > 0;

    public bool HasPreparedAnother => _prepared.Reader.Count > 0;

    private static async Task<FakeInstance> NextAsync(Channel<FakeInstance> instances)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await instances.Reader.ReadAsync(patience.Token);
    }

    private FakeInstance Start(Workload workload, Action<string> output, Channel<FakeInstance> instances)
    {
        if (Failure is not null)
        {
            throw Failure;
        }

        var instance = new FakeInstance(workload, output, $"pid {Interlocked.Increment(ref _last)}");
        instances.Writer.TryWrite(instance);
        return instance;
    }
}
