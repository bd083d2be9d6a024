using System.CommandLine;
using ClusterAspire.Orchestration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary><c>init</c>: writes a clusteraspire.json to begin with, and its schema beside it.</summary>
internal sealed class InitCommand : Command
{
    private readonly Argument<string> _path = new("PATH")
    {
        Description = "The service: a built .dll or executable, a project, or the folder of one of these. [.]",
        DefaultValueFactory = _ => ".",
    };

    public InitCommand()
        : base("init", $"Writes {ClusterFile.Name} into this folder, with the options that are changed most, and its schema beside it.")
    {
        Add(_path);
        SetAction(parsed => Write(parsed.GetValue(_path)!));
    }

    private static int Write(string service)
    {
        if (File.Exists(ClusterFile.Name))
        {
            throw new ClusterException($"{ClusterFile.Name} exists already: change it, or remove it first.");
        }

        try
        {
            File.WriteAllText(ClusterFile.Name, $$"""
                {
                  "$schema": "./{{ClusterFile.SchemaName}}",
                  // What to run: a built .dll or executable, a project, or the folder of one of these.
                  "service": {{System.Text.Json.JsonSerializer.Serialize(service)}},
                  // A number, or auto for one on each core.
                  "replicas": "auto",
                  "port": 8080,
                  "environment": {
                    "ASPNETCORE_ENVIRONMENT": "Production"
                  }
                }

                """);
            File.Copy(Path.Combine(AppContext.BaseDirectory, ClusterFile.SchemaName), ClusterFile.SchemaName, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"{ClusterFile.Name} cannot be written: {e.Message}");
        }

        Console.WriteLine($"{ClusterFile.Name} is written; clusteraspire run starts what it says.");
        return 0;
    }
}
