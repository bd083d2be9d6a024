using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>Runs workloads as containers, each with a cpuset of one core, on Docker or Podman.</summary>
internal sealed class ContainerRuntime(ContainerEngine engine, ReplicaImage image, ClusterOptions options, TelemetryRelay telemetry) : IRuntime, IAsyncDisposable
{
    /// <inheritdoc />
    public IReadOnlyList<int>? Cores
    {
        get
        {
            try
            {
                return engine.Machine.Cores;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    /// <inheritdoc />
    public async Task<IInstance> StartAsync(Workload workload, Action<string> output, CancellationToken cancellationToken)
    {
        // The public port distinguishes clusters of the same name.
        var name = $"{options.Name}-{options.Port}-{workload.Id}";
        var environment = ContainerEnvironment.Of(workload, Environment.GetEnvironmentVariables());
        foreach (var (variable, value) in environment)
        {
            if (variable.StartsWith("OTEL_EXPORTER_", StringComparison.Ordinal) && Uri.TryCreate(value, UriKind.Absolute, out var endpoint))
            {
                environment[variable] = $"{telemetry.Reachable(endpoint)}";
            }
        }

        var started = false;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Not cancelled: that could leave a container behind.
            var id = await engine.RunAsync(["create", "--name", name, .. Arguments(workload, environment), image.Name, .. workload.Arguments], environment, CancellationToken.None);
            id = id.Split('\n')[^1].Trim();
            await engine.RunAsync(["start", id], cancellationToken: CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            started = true;
            return new ContainerInstance(engine, id, workload.Core, output);
        }
        finally
        {
            if (!started)
            {
                await RemoveAsync(workload);
            }
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => telemetry.DisposeAsync();

    // By label: another program may use the name.
    private async Task RemoveAsync(Workload workload)
    {
        var mine = await engine.TryRunAsync(
            ["ps", "--all", "--quiet", "--no-trunc", "--filter", $"label={ContainerLabels.Owner}={ContainerOwner.Current}", "--filter", $"label={ContainerLabels.Replica}={workload.Id}"]);
        if (!string.IsNullOrEmpty(mine))
        {
            await ContainerInstance.RemoveAsync(engine, mine);
        }
    }

    private IEnumerable<string> Arguments(Workload workload, Dictionary<string, string> environment)
    {
        List<string> arguments =
        [
            "--label", $"{ContainerLabels.Cluster}={options.Name}",
            "--label", $"{ContainerLabels.Replica}={workload.Id}",
            "--label", $"{ContainerLabels.Owner}={ContainerOwner.Current}",
            "--publish", $"127.0.0.1:{workload.Port}:{ContainerEnvironment.Port}",
            // The supervisor has seen every line already, and an engine with another log driver may not return them.
            "--log-driver", "json-file", "--log-opt", "max-size=10m",
            .. image.Limits(workload.Core),
        ];
        if (!engine.IsPodman)
        {
            arguments.AddRange(["--add-host", $"{TelemetryRelay.HostName}:host-gateway"]);
        }

        // Only the names: the values may be secrets, and the command reads them from its environment.
        return arguments.Concat(environment.Keys.SelectMany(variable => (string[])["--env", variable]));
    }
}
