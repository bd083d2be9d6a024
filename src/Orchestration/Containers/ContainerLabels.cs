namespace ClusterAspire.Orchestration.Containers;

/// <summary>What is written on each container, so that those of a crashed run can be told from everything else.</summary>
internal static class ContainerLabels
{
    /// <summary>The cluster's name.</summary>
    public const string Cluster = "clusteraspire.cluster";

    /// <summary>The replica's name.</summary>
    public const string Replica = "clusteraspire.replica";

    /// <summary>The AppHost that started it, a <see cref="ContainerOwner"/>.</summary>
    public const string Owner = "clusteraspire.owner";

    /// <summary>Removes the containers that a crashed run of a cluster left behind; those of an AppHost that still runs stay.</summary>
    /// <returns>How many were removed.</returns>
    /// <exception cref="ClusterException">The engine refuses.</exception>
    public static async Task<int> RemoveLeftoversAsync(ContainerEngine engine, string cluster, CancellationToken cancellationToken)
    {
        var listed = await engine.RunAsync(["ps", "--all", "--quiet", "--no-trunc", "--filter", $"label={Cluster}={cluster}"], cancellationToken: cancellationToken);
        List<string> leftovers = [];
        foreach (var id in listed.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var owner = await engine.TryRunAsync(["inspect", "--format", $"{{{{index .Config.Labels \"{Owner}\"}}}}", id], cancellationToken);
            if (owner is not null && ContainerOwner.Parse(owner)?.IsAlive() is not true)
            {
                leftovers.Add(id);
            }
        }

        if (leftovers.Count > 0)
        {
            // Another start may remove it at the same time.
            await engine.TryRunAsync(["rm", "--force", "--volumes", .. leftovers], cancellationToken);
        }

        return leftovers.Count;
    }
}
