using System.Diagnostics;
using Spectre.Console;

namespace ClusterAspire.Bench;

/// <summary>Runs scenarios and tells what they found out.</summary>
internal static class BenchRunner
{
    /// <summary>Runs the scenarios of these names, all when none is named.</summary>
    /// <returns>The exit code: 0, whether or not goals were met; they are figures, not a test. 1 if a scenario failed.</returns>
    /// <exception cref="BenchException">An option is wrong.</exception>
    public static async Task<int> RunAsync(IReadOnlyCollection<string> names, IConfiguration configuration, CancellationToken cancellationToken)
    {
        var options = new BenchOptions();
        try
        {
            configuration.GetSection(BenchOptions.Section).Bind(options);
        }
        catch (InvalidOperationException exception)
        {
            throw new BenchException(exception.Message);
        }

        options.Validate(Scenarios.All.Select(scenario => scenario.Name));
        IScenario[] chosen = [.. Scenarios.All.Where(scenario => names.Count == 0 || names.Contains(scenario.Name))];
        var folders = new BenchFolders(Path.GetFullPath(options.Output));
        Directory.CreateDirectory(folders.Output);
        var results = new Results
        {
            Started = DateTimeOffset.Now,
            Commit = await Machine.CommitAsync(cancellationToken),
            Machine = await Machine.ReadAsync(cancellationToken),
            Options = options,
        };
        if (!AnsiConsole.Profile.Out.IsTerminal)
        {
            // A file has no width, so tables are not cut.
            AnsiConsole.Profile.Width = 160;
        }

        Warn(results.Machine);

        var started = Stopwatch.GetTimestamp();
        var succeeded = await RunAsync(chosen, options, folders, results, cancellationToken);
        results.Seconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds);
        results.Goals = Goals.Evaluate(results);

        await results.SaveAsync(folders.Output, cancellationToken);
        Report.Draw(results, folders.Output);
        await Report.WriteMarkdownAsync(results, folders.Output, cancellationToken);
        Report.Print(results, AnsiConsole.Console);
        AnsiConsole.MarkupLineInterpolated($"{Report.Origin(results)}; {results.Seconds} s. Results and pictures are in {folders.Output}.");
        return succeeded ? 0 : 1;
    }

    private static Task<bool> RunAsync(
        IScenario[] scenarios, BenchOptions options, BenchFolders folders, Results results, CancellationToken cancellationToken) =>
        AnsiConsole.Progress()
            .Columns(new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                var succeeded = true;
                var tasks = scenarios.ToDictionary(scenario => scenario, scenario => context.AddTask(scenario.Name, autoStart: false, maxValue: 1));
                foreach (var (scenario, task) in tasks)
                {
                    task.StartTask();
                    var progress = new StepProgress(scenario, task);
                    await using (var run = new ScenarioRun(scenario, options, folders, results, progress))
                    {
                        try
                        {
                            await scenario.RunAsync(run, cancellationToken);
                        }
                        catch (BenchException exception)
                        {
                            // What the others measure counts.
                            run.Skip(scenario.Name, exception.Message);
                            succeeded = false;
                        }
                    }

                    progress.Report(("", 1));
                    task.StopTask();
                }

                return succeeded;
            });

    private static void Warn(Machine machine)
    {
        if (machine.LoadBefore > 0.5)
        {
            AnsiConsole.MarkupLineInterpolated($"[yellow]The machine is busy (load average {machine.LoadBefore}): only orders of magnitude will mean something.[/]");
        }

        if (machine.Nice is not (null or 0))
        {
            AnsiConsole.MarkupLineInterpolated($"[yellow]Bench runs at niceness {machine.Nice}: latencies will not be comparable.[/]");
        }
    }

    /// <summary>Shows at once what is measured: Progress{T} would tell it later, from another thread.</summary>
    private sealed class StepProgress(IScenario scenario, ProgressTask task) : IProgress<(string Doing, double Share)>
    {
        public void Report((string Doing, double Share) value)
        {
            task.Description = Markup.Escape(value.Doing is "" ? scenario.Title : $"{scenario.Name}: {value.Doing}");
            task.Value = value.Share;
        }
    }
}
