using System.CommandLine;

namespace ClusterAspire.Orchestration.CommandLine;

/// <summary>Turns switches into settings.</summary>
public static class SwitchSettings
{
    /// <summary>The settings of those switches that were given: <c>--admin-port</c> sets <c>AdminPort</c>; the case does not matter.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="switches">The switches there are.</param>
    /// <param name="section">The configuration section they belong to.</param>
    public static Dictionary<string, string?> Given(this ParseResult parsed, IEnumerable<Option<string>> switches, string section) => switches
        .Where(option => parsed.GetResult(option) is not null)
        .ToDictionary(option => $"{section}:{option.Name.Replace("-", "", StringComparison.Ordinal)}", option => parsed.GetValue(option));
}
