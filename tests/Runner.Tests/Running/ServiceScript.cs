namespace ClusterAspire.Runner.Tests;

/// <summary>A start script for the service in this repository: a program that the Runner knows nothing of.</summary>
internal sealed class ServiceScript : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusteraspire-script-").FullName;

    /// <param name="lines">The script; <c>$serve</c> runs the service, and nothing of it ends by itself with the Runner.</param>
    public ServiceScript(string lines)
    {
        Path = System.IO.Path.Combine(_folder, "start");
        File.WriteAllText(Path, $"""
            #!/bin/sh
            unset Supervisor__Pid
            serve='{RunnerProcess.Dotnet} {BuiltProgram.Service}'
            here='{_folder}'
            {lines}

            """);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>The script's file, for <c>--service</c>.</summary>
    public string Path { get; }

    /// <summary>The switches that make replicas of it.</summary>
    public string[] Switches => ["--service", Path];

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
