using System.Diagnostics;
using System.Globalization;
using CliWrap;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Programs;

/// <summary>Finds the program that a path means: a built one, a folder of one, or a project, which is published first.</summary>
/// <param name="output">Is told what is done, and what a program lacks.</param>
internal sealed class ServiceProgram(IClusterOutput output)
{
    private const string RuntimeConfig = ".runtimeconfig.json";

    // Each reload publishes the project into a new folder. The first one deletes the folders of runners that have ended.
    private const int PublishedKept = 3;

    private bool _hasTidied;
    private string? _lacks;

    /// <summary>Finds it.</summary>
    /// <param name="path">A .dll, an executable, a project file, or the folder of one of these.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The program's path, without symbolic links.</returns>
    /// <exception cref="ClusterException">There is none, or the project does not build.</exception>
    public async Task<string> FindAsync(string path, CancellationToken cancellationToken)
    {
        var program = Directory.Exists(path) ? await FindInAsync(path, cancellationToken)
            : path.EndsWith("proj", StringComparison.OrdinalIgnoreCase) && File.Exists(path) ? await PublishAsync(path, cancellationToken)
            : path;
        program = File.Exists(program) ? RealPath.Of(program) : program;
        ReportMissingReference(program);
        return program;
    }

    private async Task<string> FindInAsync(string folder, CancellationToken cancellationToken)
    {
        if (Directory.GetFiles(folder, "*.*proj") is [var project])
        {
            return await PublishAsync(project, cancellationToken);
        }

        // A published web application has one; a library of it may have one too.
        var programs = Directory.GetFiles(folder, $"*{RuntimeConfig}").Select(config => $"{config[..^RuntimeConfig.Length]}.dll").Where(File.Exists).ToList();
        return programs is [var only] ? only
            : throw new ClusterException($"{Path.GetFullPath(folder)} has {(programs.Count is 0 ? "neither a project nor a built program" : $"{programs.Count} programs")}: name the project, the .dll or the executable.");
    }

    private async Task<string> PublishAsync(string project, CancellationToken cancellationToken)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        var published = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(project))!, "bin", "clusteraspire");
        var folder = Path.Combine(published, $"{DateTime.UtcNow.ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture)}.{Environment.ProcessId}");
        output.Say($"Publishing {name}.");
        var said = new List<string>();
        var result = await Cli.Wrap("dotnet")
            .WithArguments(["publish", project, "--configuration", "Release", "--output", folder, "--nologo", "--verbosity", "quiet"])
            .WithStandardOutputPipe(PipeTarget.ToDelegate(said.Add))
            .WithStandardErrorPipe(PipeTarget.ToDelegate(said.Add))
            .WithValidation(CommandResultValidation.None)
            .ExecuteAsync(cancellationToken);
        if (result.ExitCode is not 0)
        {
            said.ForEach(line => output.Line(name, line));
            throw new ClusterException($"{project} does not build: {said.Find(line => line.Contains(": error ", StringComparison.Ordinal))?.Trim() ?? "see what dotnet publish says above."}");
        }

        foreach (var old in _hasTidied ? [] : Directory.GetDirectories(published).Order(StringComparer.Ordinal).SkipLast(PublishedKept).Where(old => !BelongsToRunningRunner(old)))
        {
            Directory.Delete(old, recursive: true);
        }

        _hasTidied = true;
        return await FindInAsync(folder, cancellationToken);
    }

    // The folder's name ends in the process id of the runner that published it.
    private static bool BelongsToRunningRunner(string published)
    {
        try
        {
            using var runner = int.TryParse(Path.GetExtension(published).TrimStart('.'), CultureInfo.InvariantCulture, out var pid) ? Process.GetProcessById(pid) : null;
            return runner is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private void ReportMissingReference(string program)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(program))!;
        var name = Path.GetFileNameWithoutExtension(program);
        // A program of a single file, or a script, does not show what it references.
        if (program != _lacks && File.Exists(Path.Combine(folder, $"{name}{RuntimeConfig}")) && !File.Exists(Path.Combine(folder, "ClusterAspire.Replica.dll")))
        {
            _lacks = program;
            output.Say($"{name} does not reference ClusterAspire.Replica: it has no compute lane, and the load balancer learns of its heavy routes by configuration only.");
        }
    }
}
