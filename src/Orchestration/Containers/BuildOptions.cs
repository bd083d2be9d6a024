using ClusterAspire.Orchestration.Options;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>How the service's image is built, bound from the configuration section <c>Cluster:Build</c>.</summary>
public sealed class BuildOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = $"{ClusterOptions.Section}:Build";

    /// <summary>Arguments of the Dockerfile, such as <c>SDK_IMAGE</c>.</summary>
    public IDictionary<string, string> Args { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The network of the builder's steps, such as <c>host</c>; null for the engine's default.</summary>
    public string? Network { get; set; }

    /// <summary>Reads the options.</summary>
    /// <param name="configuration">Where the section <c>Cluster:Build</c> is looked up.</param>
    /// <exception cref="ClusterException">There is no option of that name.</exception>
    public static BuildOptions From(IConfiguration configuration)
    {
        try
        {
            return configuration.GetSection(Section).Get<BuildOptions>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException)
        {
            throw new ClusterException($"{Section} takes {nameof(Args)}:NAME, an argument of the Dockerfile, and {nameof(Network)}, nothing else.");
        }
    }
}
