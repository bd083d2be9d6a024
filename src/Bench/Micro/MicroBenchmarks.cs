using System.Text.Json;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using CliWrap;
using CliWrap.Buffered;
using Perfolizer.Horology;

namespace ClusterAspire.Bench;

/// <summary>Runs BenchmarkDotNet in a process of its own; within that in process, so that it needs no SDK and no build.</summary>
internal static class MicroBenchmarks
{
    /// <summary>The argument that makes Bench that process.</summary>
    public const string Command = "micro";

    private const string Quick = "BENCH_QUICK";

    /// <summary>Whether it is a quick run's process.</summary>
    public static bool IsQuick => Environment.GetEnvironmentVariable(Quick) is not null;

    /// <summary>Runs them.</summary>
    /// <exception cref="BenchException">They failed.</exception>
    public static async Task<IReadOnlyList<StepCost>> RunAsync(BenchFolders folders, bool quick, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folders.Logs);
        var file = Path.Combine(folders.Logs, "micro.json");
        var result = await Tool.Wrap(ProgramPath.Bench, [Command, file])
            .WithEnvironmentVariables(variables => variables.Set(Quick, quick ? "1" : null))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folders.Logs, "micro.log"), result.StandardOutput + result.StandardError, cancellationToken);
        if (!result.IsSuccess)
        {
            throw new BenchException($"BenchmarkDotNet failed; see {folders.Logs}.");
        }

        await using var costs = File.OpenRead(file);
        return (await JsonSerializer.DeserializeAsync<List<StepCost>>(costs, cancellationToken: cancellationToken))!;
    }

    /// <summary>That process: writes the costs to a file.</summary>
    public static async Task<int> ServeAsync(string file, CancellationToken cancellationToken)
    {
        var job = Job.Default
            .WithToolchain(new InProcessEmitToolchain(TimeSpan.FromMinutes(5), logOutput: false))
            .WithWarmupCount(IsQuick ? 2 : 4)
            .WithIterationCount(IsQuick ? 3 : 8)
            .WithIterationTime(TimeInterval.FromMilliseconds(50));
        var config = ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(BenchmarkDotNet.Columns.DefaultColumnProviders.Instance)
            .AddLogger(ConsoleLogger.Ascii)
            .WithArtifactsPath(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, "BenchmarkDotNet"));
        var summaries = new[] { BenchmarkRunner.Run<PickingBenchmark>(config), BenchmarkRunner.Run<TelemetryBenchmark>(config) };

        var costs = summaries.SelectMany(summary => summary.Reports).Where(report => report.Success).Select(Cost).ToList();
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(costs), cancellationToken);
        return summaries.All(summary => summary.Reports.Length > 0 && summary.Reports.All(report => report.Success)) ? 0 : 1;
    }

    private static StepCost Cost(BenchmarkReport report)
    {
        var benchmark = report.BenchmarkCase;
        return new StepCost(
            benchmark.Descriptor.WorkloadMethodDisplayInfo.Trim('\''),
            benchmark.HasParameters ? $"{benchmark.Parameters[0].Value} replicas" : "",
            report.ResultStatistics!.Mean,
            report.GcStats.GetBytesAllocatedPerOperation(benchmark) ?? 0);
    }
}
