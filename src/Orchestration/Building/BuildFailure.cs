using System.Text.RegularExpressions;

namespace ClusterAspire.Orchestration.Building;

/// <summary>Finds in the output of a build, of a project or of an image, why it failed.</summary>
public sealed partial class BuildFailure
{
    private readonly Lock _lock = new();
    private string? _error;
    private string _lastLine = "it does not say why";

    /// <summary>The line that says what failed.</summary>
    public string Error
    {
        get
        {
            lock (_lock)
            {
                return _error ?? _lastLine;
            }
        }
    }

    /// <summary>What that comes of.</summary>
    public BuildFailureCause Cause
    {
        get
        {
            var error = Error;
            return NativeAotError().IsMatch(error) ? BuildFailureCause.NativeAot
                : Toolchain().IsMatch(error) ? BuildFailureCause.Toolchain
                : Feed().IsMatch(error) ? BuildFailureCause.Packages
                : ToolError().IsMatch(error) ? BuildFailureCause.Code
                : Registry().IsMatch(error) ? BuildFailureCause.BaseImage
                : BuildFailureCause.Other;
        }
    }

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
            // The first error is the compiler's, the linker's or NuGet's; those after it only repeat that the step failed.
            _error ??= ToolError().IsMatch(text) || Toolchain().IsMatch(text) ? text : null;
            _lastLine = text;
        }
    }

    // BuildKit's "#12 3.456 ".
    [GeneratedRegex(@"^#\d+ (\d+\.\d+ )?")]
    private static partial Regex BuildKitPrefix();

    [GeneratedRegex(@"\berror ((CS|IL|NU|MSB|NETSDK|CA|IDE|RS|RZ|ASP|SYSLIB)\d+|:)")]
    private static partial Regex ToolError();

    [GeneratedRegex(@"\berror IL\d+")]
    private static partial Regex NativeAotError();

    // Of ILCompiler's targets, of gcc's and clang's linkers.
    [GeneratedRegex(@"(Platform|Requested) linker\b.*not found|Symbol stripping tools?\b.*not found|\bcannot find (-l|\S*crt\S*\.o)|unable to find library -l")]
    private static partial Regex Toolchain();

    [GeneratedRegex(@"\berror NU1[13]0\d|Unable to load the service index")]
    private static partial Regex Feed();

    [GeneratedRegex("pull access denied|failed to resolve source metadata|manifest (unknown|for)|no such host|dial tcp|failed to do request|initializing source|pinging container registry|TLS handshake|x509|connection refused|i/o timeout|Client.Timeout|Temporary failure in name resolution|repository does not exist|unauthorized", RegexOptions.IgnoreCase)]
    private static partial Regex Registry();
}
