using System.Text.RegularExpressions;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>Reads the output of an image build and explains a failure: what failed, and what to do.</summary>
internal sealed partial class BuildFailure
{
    private readonly Lock _lock = new();
    private string? _error;
    private string _lastLine = "it does not say why";

    /// <summary>Adds a line of output.</summary>
    public void AddLine(string line)
    {
        var text = BuildKitPrefix().Replace(line, "").Trim();
        if (text.Length is 0)
        {
            return;
        }

        lock (_lock)
        {
            // The first error is the compiler's or NuGet's; those after it only repeat that the step failed.
            _error ??= ToolError().IsMatch(text) ? text : null;
            _lastLine = text;
        }
    }

    /// <summary>What failed and what to do, in one sentence.</summary>
    /// <param name="baseImages">What the image is built on.</param>
    public string Explain(string baseImages)
    {
        lock (_lock)
        {
            var error = _error ?? _lastLine;
            return $"The service's image could not be built, {Advice(error, baseImages)} The builder said: {error}";
        }
    }

    private static string Advice(string error, string baseImages) =>
        NativeAotError().IsMatch(error) ? $"as the service is not ready for Native AOT: make it so, or set {BuildOptions.Section}:Args:PUBLISH to managed."
        : Feed().IsMatch(error) ? $"as its packages could not be fetched: check that NuGet's feed can be reached from a container ({BuildOptions.Section}:Network=host may help)."
        : ToolError().IsMatch(error) ? "as its code does not compile there: mend it; a file outside src/Service, src/ServiceDefaults and src/Replica needs a COPY in the Dockerfile."
        : Registry().IsMatch(error) ? $"as a base image could not be had: check the connection to its registry, or name others than {baseImages} by {BuildOptions.Section}:Args."
        : $"see the output above{ContainerEngine.OrProcesses}";

    // BuildKit's "#12 3.456 ".
    [GeneratedRegex(@"^#\d+ (\d+\.\d+ )?")]
    private static partial Regex BuildKitPrefix();

    [GeneratedRegex(@"\berror (CS|IL|NU|MSB|NETSDK|CA|IDE|RS|RZ|ASP|SYSLIB)\d+")]
    private static partial Regex ToolError();

    [GeneratedRegex(@"\berror IL\d+")]
    private static partial Regex NativeAotError();

    [GeneratedRegex(@"\berror NU1[13]0\d|Unable to load the service index")]
    private static partial Regex Feed();

    [GeneratedRegex("pull access denied|failed to resolve source metadata|manifest (unknown|for)|no such host|dial tcp|failed to do request|initializing source|pinging container registry|TLS handshake|x509|connection refused|i/o timeout|Client.Timeout|Temporary failure in name resolution|repository does not exist|unauthorized", RegexOptions.IgnoreCase)]
    private static partial Regex Registry();
}
