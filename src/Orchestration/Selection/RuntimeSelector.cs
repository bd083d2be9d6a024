using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Processes;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Orchestration.Selection;

/// <summary>Chooses between processes and containers, and gets the containers' image ready.</summary>
/// <param name="options">What the user chose;</param>
/// <param name="build">How the image is built.</param>
/// <param name="output">Is told what was chosen and why, and the builder's progress.</param>
public sealed class RuntimeSelector(ClusterOptions options, BuildOptions build, IClusterOutput output)
{
    /// <summary>Whether the cluster runs already, at the ports that were chosen.</summary>
    public bool IsRunning { get; init; }

    /// <summary>Chooses.</summary>
    /// <param name="program">The built service of this repository.</param>
    /// <param name="source">The folder of its Dockerfile.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ClusterException">An option is not valid, or this machine does not have what it asks for.</exception>
    public async Task<RuntimeSelection> SelectAsync(string program, string source, CancellationToken cancellationToken)
    {
        options.Validate();
        if (options.Runtime is RuntimeKind.Process)
        {
            return Processes();
        }

        if (options.Standby)
        {
            return Processes("--standby keeps processes waiting");
        }

        if (options.Aot)
        {
            return Processes("--aot compiles for this machine");
        }

        if (options.RestartMemory is not null)
        {
            return Processes("--restart-memory looks at processes");
        }

        if (!IsRunning)
        {
            // Checked before an image is built in vain.
            LoopbackPort.EnsureFree(options.Port, nameof(options.Port));
            LoopbackPort.EnsureFree(options.AdminPort, nameof(options.AdminPort));
        }

        if (options.Service is not null)
        {
            return options.Runtime is RuntimeKind.Auto ? Processes("--service names a program") : throw new ClusterException(
                $"{ClusterOptions.Switch(nameof(options.Service))} names a program, which runs as a process: for containers name an image by {ClusterOptions.Switch(nameof(options.Image))}.");
        }

        return options.Runtime is RuntimeKind.Container ? await ContainersAsync() : await AutoAsync();

        RuntimeSelection Processes(string? why = null)
        {
            if (why is not null)
            {
                output.Say($"Replicas run as processes: {why.TrimEnd('.')}.");
            }

            return new(new ProcessRuntime(options.Service ?? program), Machine.Current);
        }

        async Task<RuntimeSelection> ContainersAsync()
        {
            var engine = await FindEngineAsync(cancellationToken);
            var image = new ServiceImage(engine, options.Image, source, build);
            var id = await image.FindAsync(cancellationToken) ?? await BuildAsync(image, cancellationToken);
            return await RunAsync(engine, image, id, cancellationToken);
        }

        async Task<RuntimeSelection> AutoAsync()
        {
            try
            {
                var engine = await FindEngineAsync(cancellationToken);
                var image = new ServiceImage(engine, options.Image, source, build);
                if (await image.FindAsync(cancellationToken) is not { } id)
                {
                    if (await image.WhyNotBuildableAsync(cancellationToken) is { } missing)
                    {
                        return Processes(missing);
                    }

                    id = await BuildAsync(image, cancellationToken);
                }

                return await RunAsync(engine, image, id, cancellationToken);
            }
            catch (ClusterException e)
            {
                return Processes(e.Message.Replace(ContainerEngine.OrProcesses, ".", StringComparison.Ordinal));
            }
        }
    }

    /// <summary>Gets an image ready for whoever starts the containers: finds it, up to date with its source, or builds it.</summary>
    /// <param name="folder">The folder of its Dockerfile; null when it is somebody else's image, which the engine pulls.</param>
    /// <param name="stage">The Dockerfile's stage, or null for the last one.</param>
    /// <param name="name">What the built image is called.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ClusterException">There is no engine, it lacks something, or the image cannot be built.</exception>
    public async Task PrepareImageAsync(string? folder, string? stage, string name, CancellationToken cancellationToken)
    {
        var engine = await FindEngineAsync(cancellationToken);
        if (folder is not null)
        {
            var image = new ServiceImage(engine, options.Image, folder, build) { BuiltName = name, Stage = stage };
            _ = await image.FindAsync(cancellationToken) ?? await BuildAsync(image, cancellationToken);
        }
    }

    /// <summary>Removes the containers that crashed runs of this cluster left behind.</summary>
    /// <exception cref="ClusterException">No engine answers.</exception>
    public async Task CleanAsync(CancellationToken cancellationToken)
    {
        options.Validate();
        var engine = await ContainerEngine.FindAsync(options.Engine, cancellationToken);
        if (!await RemoveLeftoversAsync(engine, cancellationToken))
        {
            output.Say($"No container of {options.Name} was left behind.");
        }
    }

    private async Task<ContainerEngine> FindEngineAsync(CancellationToken cancellationToken)
    {
        var engine = await ContainerEngine.FindAsync(options.Engine, cancellationToken);
        await RemoveLeftoversAsync(engine, cancellationToken);
        return !options.Pin || engine.Pins ? engine : throw new ClusterException(
            $"{engine.Name} cannot pin containers to cores, as this user's cgroup has no cpuset controller: let systemd delegate it to users, run it as root, let the replicas move (--no-pin){ContainerEngine.OrProcesses}");
    }

    private async Task<bool> RemoveLeftoversAsync(ContainerEngine engine, CancellationToken cancellationToken)
    {
        var removed = await ContainerLabels.RemoveLeftoversAsync(engine, options.Name, cancellationToken);
        if (removed > 0)
        {
            output.Say($"Removed {removed} container{(removed is 1 ? "" : "s")} of {options.Name} that a run before had left behind.");
        }

        return removed > 0;
    }

    private async Task<string> BuildAsync(ServiceImage image, CancellationToken cancellationToken)
    {
        output.Say($"Building the image {image.Name}, as its source is new; --runtime process starts without.");
        return await image.BuildAsync(line => output.Line("image", line), cancellationToken);
    }

    private async Task<RuntimeSelection> RunAsync(ContainerEngine engine, ServiceImage image, string id, CancellationToken cancellationToken)
    {
        output.Say($"Replicas run as containers: {engine.Name} answers and has the image {image.Name}.");
        var telemetry = await TelemetryRelay.CreateAsync(engine, cancellationToken);
        // By id, so that every restart uses the same image. Messages show its name.
        return new(new ContainerRuntime(engine, new(id, engine.Command, options.Memory), options, telemetry), engine.Machine)
        {
            Image = new(image.Name, engine.Command, options.Memory),
        };
    }
}
