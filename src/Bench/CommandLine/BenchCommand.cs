using System.CommandLine;
using System.Globalization;

namespace ClusterAspire.Bench;

/// <summary>The command line.</summary>
internal static class BenchCommand
{
    /// <summary>Makes it.</summary>
    public static RootCommand Create()
    {
        var scenarios = new Argument<string[]>("scenarios")
        {
            Description = $"What to run: {string.Join(", ", Scenarios.All.Select(scenario => scenario.Name))}. All when none is named.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        scenarios.Validators.Add(result =>
        {
            foreach (var name in result.Tokens.Select(token => token.Value).Where(name => Scenarios.All.All(scenario => scenario.Name != name)))
            {
                result.AddError($"There is no scenario {name}: choose among {string.Join(", ", Scenarios.All.Select(scenario => scenario.Name))}.");
            }
        });
        var quick = new Option<bool>("--quick") { Description = "Fewer cases, shorter measurements: under five minutes." };
        var output = new Option<string?>("--output") { Description = "The folder for results.json and the pictures.", HelpName = "DIR" };
        var seconds = new Option<string[]>("--seconds")
        {
            Description = "How long each measurement of a scenario lasts, such as --seconds article=20.",
            HelpName = "SCENARIO=N",
            AllowMultipleArgumentsPerToken = false,
        };
        var root = new RootCommand("Measures ClusterAspire beside what one would use instead.") { scenarios, quick, output, seconds };
        root.SetAction((result, cancellationToken) => BenchRunner.RunAsync(
            result.GetValue(scenarios) ?? [],
            Configuration(result.GetValue(quick), result.GetValue(output), result.GetValue(seconds) ?? []),
            cancellationToken));

        root.Add(Charts());
        foreach (var part in Parts())
        {
            part.Hidden = true;
            root.Add(part);
        }

        return root;
    }

    private static IConfiguration Configuration(bool quick, string? output, string[] seconds)
    {
        var given = new Dictionary<string, string?>();
        void Set(string key, string? value) => given[$"{BenchOptions.Section}:{key}"] = value;
        if (quick)
        {
            Set(nameof(BenchOptions.Quick), "true");
        }

        if (output is not null)
        {
            Set(nameof(BenchOptions.Output), output);
        }

        foreach (var entry in seconds)
        {
            if (entry.Split('=') is not [var scenario, var value] || !double.TryParse(value, CultureInfo.InvariantCulture, out _))
            {
                throw new BenchException($"--seconds wants a scenario and a number, such as article=20, not {entry}.");
            }

            Set($"{nameof(BenchOptions.Seconds)}:{scenario}", value);
        }

        return new ConfigurationBuilder().AddEnvironmentVariables().AddInMemoryCollection(given).Build();
    }

    private static Command Charts()
    {
        var folder = new Argument<string>("folder") { Description = "Where results.json is." };
        var charts = new Command("charts", "Draws the pictures of an earlier run again.") { folder };
        charts.SetAction(async (result, cancellationToken) =>
        {
            var path = result.GetValue(folder)!;
            var results = await Results.LoadAsync(path, cancellationToken);
            Report.Draw(results, path);
            await Report.WriteMarkdownAsync(results, path, cancellationToken);
            return 0;
        });
        return charts;
    }

    /// <summary>What Bench starts itself as.</summary>
    private static IEnumerable<Command> Parts()
    {
        var load = new Command(Load.Command);
        load.SetAction((_, cancellationToken) => Load.ServeAsync(cancellationToken));
        yield return load;

        var kind = new Argument<string>("kind");
        var url = new Argument<Uri>("url") { CustomParser = result => new Uri(result.Tokens[0].Value) };
        var rest = new Argument<string[]>("arguments") { Arity = ArgumentArity.ZeroOrMore };
        var serve = new Command(BenchServer.Command) { kind, url, rest };
        serve.SetAction((result, _) => BenchServer.RunAsync(result.GetValue(kind)!, result.GetValue(url)!, result.GetValue(rest) ?? []));
        yield return serve;

        var file = new Argument<string>("file");
        var micro = new Command(MicroBenchmarks.Command) { file };
        micro.SetAction((result, cancellationToken) => MicroBenchmarks.ServeAsync(result.GetValue(file)!, cancellationToken));
        yield return micro;
    }
}
