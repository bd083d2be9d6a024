using System.Text.Json;
using System.Text.RegularExpressions;
using ClusterAspire.Orchestration.Building;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>The image replicas are made of: one that the user names, or the one the Dockerfile's target <c>service</c> gives.</summary>
/// <param name="engine">Has the image, or builds it.</param>
/// <param name="name">The image that the user names, or null to build one.</param>
/// <param name="folder">Where the Dockerfile is.</param>
/// <param name="build">How it is built.</param>
internal sealed partial class ServiceImage(ContainerEngine engine, string? name, string folder, BuildOptions build)
{
    private const string SourceLabel = "clusteraspire.source";
    private const string BaseImagesLabel = "clusteraspire.base-images";

    private readonly string _dockerfile = Path.Combine(folder, "Dockerfile");

    /// <summary>What the image is called when it is built here; compose.yaml and the Kubernetes manifests call it so too.</summary>
    public string BuiltName { get; init; } = "clusteraspire/service:1.0.0";

    /// <summary>The stage of the Dockerfile that it is, or null for the last one.</summary>
    public string? Stage { get; init; } = "service";

    /// <summary>What it is called.</summary>
    public string Name => name ?? BuiltName;

    /// <summary>Finds the image, up to date with its source.</summary>
    /// <returns>Its id, or null when it must be built: it does not exist, or was built from other sources.</returns>
    /// <exception cref="ClusterException">It does not exist, and there is nothing to build it from.</exception>
    public async Task<string?> FindAsync(CancellationToken cancellationToken)
    {
        var image = await InspectAsync(cancellationToken);
        if (name is not null)
        {
            return image?.Id ?? throw new ClusterException(
                $"{engine.Name} has no image {name}: build or pull it ({engine.Command} pull {name}), or leave --image (Cluster:Image) out to have the Dockerfile built.");
        }

        if (!File.Exists(_dockerfile))
        {
            throw new ClusterException($"There is no Dockerfile in {folder} to build the service's image from: name an image by --image (Cluster:Image){ContainerEngine.OrProcesses}");
        }

        return image?.Labels.GetValueOrDefault(SourceLabel) == Source() ? image?.Id : null;
    }

    /// <summary>Says why the image cannot be built from what the engine has, without asking any registry; null when it can.</summary>
    public async Task<string?> WhyNotBuildableAsync(CancellationToken cancellationToken)
    {
        // BuildKit does not list its base images. If an image was built before, they are available.
        if (await InspectAsync(cancellationToken) is { } earlier && earlier.Labels.GetValueOrDefault(BaseImagesLabel) == BaseImages())
        {
            return null;
        }

        foreach (var image in BaseImages().Split(' '))
        {
            if (await engine.TryRunAsync(["image", "inspect", image], cancellationToken) is null)
            {
                return "the image of the service is not built yet (--runtime container builds it, once)";
            }
        }

        return null;
    }

    /// <summary>Builds the image; base images that the engine lacks are pulled.</summary>
    /// <param name="output">Takes the builder's progress.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its id.</returns>
    /// <exception cref="ClusterException">It cannot be built.</exception>
    public async Task<string> BuildAsync(Action<string> output, CancellationToken cancellationToken)
    {
        List<string> arguments =
            ["build", .. Stage is null ? (string[])[] : ["--target", Stage], "--tag", Name, "--label", $"{SourceLabel}={Source()}", "--label", $"{BaseImagesLabel}={BaseImages()}"];
        arguments.AddRange(build.Network is null ? [] : ["--network", build.Network]);
        arguments.AddRange(build.Args.SelectMany(argument => (string[])["--build-arg", $"{argument.Key}={argument.Value}"]));
        arguments.Add(folder);

        var failure = new BuildFailure();
        if (!await engine.StreamAsync(arguments, Take, cancellationToken))
        {
            // The terminal's Ctrl+C ends the builder too.
            cancellationToken.ThrowIfCancellationRequested();
            throw new ClusterException(Explain(failure, BaseImages()));
        }

        return await engine.RunAsync(["image", "inspect", "--format", "{{.Id}}", Name], cancellationToken: cancellationToken);

        void Take(string line)
        {
            failure.AddLine(line);
            output(line);
        }
    }

    /// <summary>What failed and what to do, in one sentence.</summary>
    /// <param name="failure">The builder's output.</param>
    /// <param name="baseImages">What the image is built on.</param>
    internal static string Explain(BuildFailure failure, string baseImages)
    {
        var advice = failure.Cause switch
        {
            BuildFailureCause.NativeAot => $"as the service is not ready for Native AOT: make it so, or set {BuildOptions.Section}:Args:PUBLISH to managed.",
            BuildFailureCause.Toolchain => $"as its SDK image has no C toolchain for Native AOT to link with: name one that has gcc or clang by {BuildOptions.Section}:Args:SDK_IMAGE, or set {BuildOptions.Section}:Args:PUBLISH to managed.",
            BuildFailureCause.Packages => $"as its packages could not be fetched: check that NuGet's feed can be reached from a container ({BuildOptions.Section}:Network=host may help).",
            BuildFailureCause.Code => "as its code does not compile there: mend it; a file outside src/Service, src/ServiceDefaults and src/Replica needs a COPY in the Dockerfile.",
            BuildFailureCause.BaseImage => $"as a base image could not be had: check the connection to its registry, or name others than {baseImages} by {BuildOptions.Section}:Args.",
            _ => $"see the output above{ContainerEngine.OrProcesses}",
        };
        return $"The service's image could not be built, {advice} The builder said: {failure.Error}";
    }

    private async Task<Image?> InspectAsync(CancellationToken cancellationToken)
    {
        var inspected = await engine.TryRunAsync(["image", "inspect", "--format", "{{.Id}} {{json .Config.Labels}}", Name], cancellationToken);
        return inspected?.Split(' ', 2) is [var id, var labels]
            ? new(id, JsonSerializer.Deserialize<Dictionary<string, string>>(labels) ?? [])
            : null;
    }

    private string Source() => SourceHash.Of(folder, build.Args);

    // The Dockerfile's arguments whose names end in IMAGE, as given or by default.
    private string BaseImages() => string.Join(' ', BaseImage().Matches(File.ReadAllText(_dockerfile))
        .Select(argument => build.Args.TryGetValue(argument.Groups["name"].Value, out var given) ? given : argument.Groups["image"].Value));

    [GeneratedRegex(@"^ARG\s+(?<name>\w*IMAGE)=(?<image>\S+)\s*$", RegexOptions.Multiline)]
    private static partial Regex BaseImage();

    private sealed record Image(string Id, Dictionary<string, string> Labels);
}
