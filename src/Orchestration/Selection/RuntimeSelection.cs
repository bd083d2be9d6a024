using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Selection;

/// <summary>What replicas run in on this machine.</summary>
/// <param name="Runtime">Starts them.</param>
/// <param name="Machine">The cores they can be given.</param>
public sealed record RuntimeSelection(IRuntime Runtime, Machine Machine) : IAsyncDisposable
{
    /// <summary>What their containers are made of; null when they are processes.</summary>
    public ReplicaImage? Image { get; init; }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => Runtime is IAsyncDisposable runtime ? runtime.DisposeAsync() : ValueTask.CompletedTask;
}
