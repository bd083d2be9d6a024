using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Hosting.Status;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Selection;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterAspire.Hosting.Replicas;

/// <summary>The image of a service's containers, built or looked up before the first of them starts.</summary>
/// <param name="name">What it is called.</param>
/// <param name="options">What the user chose.</param>
/// <param name="build">How it is built.</param>
internal sealed class ContainerImage(string name, ClusterOptions options, BuildOptions build)
{
    private readonly Lock _lock = new();
    private Task? _prepared;

    /// <summary>What it is called.</summary>
    public string Name => name;

    /// <summary>The folder of its Dockerfile, or null when the engine has it or pulls it.</summary>
    public string? Folder { get; init; }

    /// <summary>The Dockerfile's stage, or null for the last one.</summary>
    public string? Stage { get; init; }

    /// <inheritdoc cref="ReplicaImage.Limits"/>
    public IReadOnlyList<string> Limits(int? core) => new ReplicaImage(name, "", options.Memory).Limits(core);

    /// <summary>Gets the image ready, once; after a failure the next container that starts tries again.</summary>
    /// <exception cref="ClusterException">There is no engine, or the image does not exist and cannot be built.</exception>
    public Task PrepareAsync(IServiceProvider services, ReplicatedService service, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_prepared is null or { IsFaulted: true } or { IsCanceled: true })
            {
                var log = services.GetRequiredService<ResourceLoggerService>().GetLogger(service);
                _prepared = new RuntimeSelector(options, build, new LoggedOutput(log)).PrepareImageAsync(Folder, Stage, name, cancellationToken);
            }

            return _prepared;
        }
    }
}
