using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Programs;

/// <summary>Finds the program that a path means: a built one, a folder of one, or a project, which is published first.</summary>
/// <param name="output">Is told what is done, and what a program lacks.</param>
internal sealed class ServiceProgram(IClusterOutput output)
{
    private const string RuntimeConfig = ".runtimeconfig.json";

    private readonly ProjectPublisher _publisher = new(output);
    private string? _lacks;

    /// <summary>Finds it.</summary>
    /// <param name="path">A .dll, an executable, a project file, or the folder of one of these.</param>
    /// <param name="aot">Whether it is a project that is to be compiled by Native AOT.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The program's path, without symbolic links.</returns>
    /// <exception cref="ClusterException">There is none, or the project does not build.</exception>
    public async Task<string> FindAsync(string path, bool aot, CancellationToken cancellationToken)
    {
        var program = ProjectOf(path) is { } project ? await PublishAsync(project, aot, cancellationToken)
            : aot ? throw new ClusterException($"{ClusterOptions.Switch(nameof(ClusterOptions.Aot))} compiles a project, and {path} is none: name the service's project, or leave it out.")
            : Directory.Exists(path) ? FindIn(path)
            : path;
        program = File.Exists(program) ? RealPath.Of(program) : program;
        ReportMissingReference(program);
        return program;
    }

    private async Task<string> PublishAsync(string project, bool aot, CancellationToken cancellationToken) =>
        aot ? await _publisher.CompileAsync(project, cancellationToken) : FindIn(await _publisher.PublishAsync(project, cancellationToken));

    private static string? ProjectOf(string path) =>
        Directory.Exists(path) ? Directory.GetFiles(path, "*.*proj") is [var only] ? only : null
        : path.EndsWith("proj", StringComparison.OrdinalIgnoreCase) && File.Exists(path) ? path
        : null;

    private static string FindIn(string folder)
    {
        // A published web application has one; a library of it may have one too.
        var programs = Directory.GetFiles(folder, $"*{RuntimeConfig}").Select(config => $"{config[..^RuntimeConfig.Length]}.dll").Where(File.Exists).ToList();
        return programs is [var only] ? only
            : throw new ClusterException($"{Path.GetFullPath(folder)} has {(programs.Count is 0 ? "neither a project nor a built program" : $"{programs.Count} programs")}: name the project, the .dll or the executable.");
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
