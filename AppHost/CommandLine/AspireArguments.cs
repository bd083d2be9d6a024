using System.CommandLine;

namespace ClusterAspire.AppHost;

/// <summary>
/// Switches that Aspire's tools start an AppHost with to have it publish, such as
/// <c>--operation publish --publisher manifest --output-path FILE</c>. They are not ours to read: Aspire gets all arguments.
/// </summary>
internal static class AspireArguments
{
    private const string Operation = "--operation";
    private const string Publisher = "--publisher";

    // DistributedApplicationBuilder's switches.
    private static readonly string[] Switches =
        [Operation, Publisher, "--step", "--output-path", "--log-level", "--include-exception-details", "--clear-cache", "--yes", "--environment"];

    /// <summary>Whether a tool of Aspire's has written the command line.</summary>
    public static bool Are(string[] args) => args.Any(arg => arg.Split('=')[0] is Operation or Publisher);

    /// <summary>Whether Aspire is to write the cluster down instead of running it.</summary>
    public static bool Publish(string[] args) =>
        Are(args) && !args.Zip(args.Skip(1), (name, value) => $"{name}={value}").Concat(args).Contains($"{Operation}=run", StringComparer.OrdinalIgnoreCase);

    /// <summary>Makes a command accept them.</summary>
    public static void LetThrough(Command command)
    {
        foreach (var name in Switches)
        {
            command.Add(new Option<string?>(name) { Arity = ArgumentArity.ZeroOrOne, Hidden = true });
        }

        // "publish" is a value here.
        command.Subcommands.Clear();
        // Settings such as Parameters:key=value.
        command.TreatUnmatchedTokensAsErrors = false;
    }
}
