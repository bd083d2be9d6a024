namespace ClusterAspire.Orchestration.Runtime;

/// <summary>
/// The variables by which an ASP.NET Core process listens where the plan says, regardless of its environment and of the service's
/// settings.
/// </summary>
public static class Listening
{
    private static readonly string[] Prefixes = ["", "ASPNETCORE_", "DOTNET_"];
    private static readonly string[] Settings = ["URLS", "HTTP_PORTS", "HTTPS_PORTS", "PREFERHOSTINGURLS"];
    private const string Endpoints = "Kestrel__Endpoints__";

    /// <summary>Whether a variable says where a process listens.</summary>
    public static bool IsSetBy(string variable) => Array.Exists(Prefixes, prefix =>
        variable.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
        && (Settings.Contains(variable[prefix.Length..], StringComparer.OrdinalIgnoreCase)
            || variable.AsSpan(prefix.Length).StartsWith(Endpoints, StringComparison.OrdinalIgnoreCase)));

    /// <summary>The variables that make a process listen at a URL, over those of its own settings and code.</summary>
    public static IReadOnlyDictionary<string, string> At(string url) => new Dictionary<string, string>
    {
        ["ASPNETCORE_URLS"] = url,
        // Unlike the one above, it overrides the key of that name in appsettings.json.
        ["URLS"] = url,
        ["ASPNETCORE_PREFERHOSTINGURLS"] = "true",
    };

    /// <summary>What to tell the user of those variables that are set and have no effect; null when there is none.</summary>
    /// <param name="variables">The names of all variables that are set.</param>
    public static string? Ignored(IEnumerable<string> variables)
    {
        var ignored = variables.Where(IsSetBy).Order(StringComparer.Ordinal).ToList();
        return ignored.Count is 0 ? null : $"The environment's {string.Join(", ", ignored)} {(ignored.Count is 1 ? "is" : "are")} ignored: the load balancer listens where --port and --admin-port say, replicas at loopback ports of their own.";
    }
}
