using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using CliWrap;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Building;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Programs;

/// <summary>Publishes projects by <c>dotnet publish</c>, each time into a new folder of theirs.</summary>
/// <param name="output">Is told what is done, and why it fails.</param>
internal sealed class ProjectPublisher(IClusterOutput output)
{
    // Each reload publishes the project into a new folder. The first one deletes the folders of runners that have ended.
    private const int PublishedKept = 3;

    // As variables, so that a project may have them otherwise.
    private static readonly Dictionary<string, string?> AotWarningsAreErrors = new()
    {
        ["WarningsAsErrors"] = "IL2026;IL3050",
        ["IlcTreatWarningsAsErrors"] = "true",
    };

    private bool _hasTidied;

    /// <summary>Publishes a project.</summary>
    /// <returns>The folder.</returns>
    /// <exception cref="ClusterException">It does not build.</exception>
    public async Task<string> PublishAsync(string project, CancellationToken cancellationToken)
    {
        output.Say($"Publishing {Path.GetFileNameWithoutExtension(project)}.");
        var folder = NewFolder(project);
        await RunAsync(project, folder, [], [], cancellationToken);
        return folder;
    }

    /// <summary>Publishes a project by Native AOT. What has not changed since the last time is not compiled again.</summary>
    /// <returns>The executable.</returns>
    /// <exception cref="ClusterException">It does not build, it is not ready for Native AOT, or this machine is not.</exception>
    public async Task<string> CompileAsync(string project, CancellationToken cancellationToken)
    {
        output.Say($"Compiling {Path.GetFileNameWithoutExtension(project)} by Native AOT; this takes a minute where its sources are new.");
        var folder = NewFolder(project);
        // Of its own: an ordinary build beside it would restore other packages, and have it compile all again.
        var intermediate = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(project))!, "obj", "clusteraspire");
        var said = await RunAsync(
            project,
            folder,
            ["--artifacts-path", intermediate, "--use-current-runtime", "-p:PublishAot=true", "-p:CopyOutputSymbolsToPublishDirectory=false", "-getProperty:AssemblyName"],
            AotWarningsAreErrors,
            cancellationToken);
        var name = said.FindLast(line => line.Length > 0)?.Trim();
        return Path.Combine(folder, OperatingSystem.IsWindows() ? $"{name}.exe" : $"{name}");
    }

    // Returns what it wrote to its standard output.
    private async Task<List<string>> RunAsync(string project, string folder, string[] how, Dictionary<string, string?> environment, CancellationToken cancellationToken)
    {
        var (said, errors) = (new List<string>(), new List<string>());
        CommandResult result;
        try
        {
            result = await Cli.Wrap("dotnet")
                .WithArguments(["publish", project, "--configuration", "Release", "--output", folder, "--nologo", "--verbosity", "quiet", .. how])
                .WithEnvironmentVariables(environment)
                .WithStandardOutputPipe(PipeTarget.ToDelegate(said.Add))
                .WithStandardErrorPipe(PipeTarget.ToDelegate(errors.Add))
                .WithValidation(CommandResultValidation.None)
                .ExecuteAsync(cancellationToken);
        }
        catch (Win32Exception e)
        {
            throw new ClusterException($"{project} cannot be built, as dotnet does not start: install the .NET SDK, or name a built program. The reason: {e.Message}");
        }

        if (result.ExitCode is not 0)
        {
            var failure = new BuildFailure();
            foreach (var line in said.Concat(errors))
            {
                output.Line(Path.GetFileNameWithoutExtension(project), line);
                failure.AddLine(line);
            }

            throw new ClusterException(Explain(project, failure));
        }

        Tidy(Path.GetDirectoryName(folder)!);
        return said;
    }

    private static string Explain(string project, BuildFailure failure)
    {
        var aot = ClusterOptions.Switch(nameof(ClusterOptions.Aot));
        return failure.Cause switch
        {
            BuildFailureCause.NativeAot => $"{project} is not ready for Native AOT: change what the compiler names, or leave {aot} out. It says: {failure.Error}",
            BuildFailureCause.Toolchain => $"{project} cannot be compiled by Native AOT, as this machine has no C toolchain to link with: install it (Debian: apt install gcc libc6-dev), or leave {aot} out. The build says: {failure.Error}",
            BuildFailureCause.Packages => $"{project} cannot be built, as its packages could not be fetched: check that NuGet's feed can be reached. The build says: {failure.Error}",
            _ => $"{project} does not build: {failure.Error}",
        };
    }

    private static string NewFolder(string project) => Path.Combine(
        Path.GetDirectoryName(Path.GetFullPath(project))!,
        "bin",
        "clusteraspire",
        $"{DateTime.UtcNow.ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture)}.{Environment.ProcessId}");

    private void Tidy(string published)
    {
        foreach (var old in _hasTidied ? [] : Directory.GetDirectories(published).Order(StringComparer.Ordinal).SkipLast(PublishedKept).Where(old => !BelongsToRunningRunner(old)))
        {
            Directory.Delete(old, recursive: true);
        }

        _hasTidied = true;
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
}
