using System.CommandLine;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Compose;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary><c>publish compose</c>: writes the plan as a compose.yaml.</summary>
internal sealed class PublishComposeCommand : Command
{
    private const string FileName = "compose.yaml";

    private readonly Option<string> _output = new("--output") { HelpName = "DIR", Description = $"Where to write {FileName}. [.]", DefaultValueFactory = _ => "." };
    private readonly Option<string> _service = new("--service-image") { HelpName = "NAME:TAG", Description = "The service's image.", Required = true };

    private readonly Option<string> _balancer = new("--load-balancer-image")
    {
        HelpName = "NAME:TAG",
        Description = "The load balancer's image. [clusteraspire/loadbalancer:1.0.0]",
        DefaultValueFactory = _ => "clusteraspire/loadbalancer:1.0.0",
    };

    /// <param name="configure">Reads the switches, and clusteraspire.json.</param>
    public PublishComposeCommand(Func<ParseResult, IConfiguration> configure)
        : base("compose", "Writes a compose.yaml, with a service for each replica of this machine.")
    {
        Add(_output);
        Add(_service);
        Add(_balancer);
        SetAction(parsed => Publish(
            new(ClusterOptions.From(configure(parsed)), parsed.GetValue(_service)!, parsed.GetValue(_balancer)!), parsed.GetValue(_output)!));
    }

    private static int Publish(ComposePublisher publisher, string output)
    {
        var path = Path.Combine(output, FileName);
        try
        {
            var text = publisher.Publish(Machine.Current);
            Directory.CreateDirectory(output);
            File.WriteAllText(path, text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"{path} cannot be written: {e.Message}");
        }

        Console.WriteLine(path);
        Console.WriteLine($"docker compose --file {path} up");
        return 0;
    }
}
