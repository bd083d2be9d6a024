using System.CommandLine;
using System.Text.Json;
using ClusterAspire.Contract;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Runner.Control;
using ClusterAspire.Runner.Terminal;
using Microsoft.Extensions.Configuration;
using Spectre.Console;

namespace ClusterAspire.Runner.CommandLine;

/// <summary>The commands that talk to a running cluster; <c>--name</c> and <c>--port</c> say to which.</summary>
internal static class ControlCommands
{
    /// <summary>Makes them.</summary>
    /// <param name="configure">Reads the switches, and clusteraspire.json.</param>
    public static IEnumerable<Command> Of(Func<ParseResult, IConfiguration> configure)
    {
        var json = new Option<bool>("--json") { Description = "As JSON." };
        yield return Make(
            new Command("status", "Shows what the replicas are doing.") { json }, configure, _ => [], (parsed, text) => ShowStatus(text, parsed.GetValue(json)));
        var one = new Argument<string?>("NAME") { Description = "A replica, to replace that one alone as it is, or loadbalancer. [the replicas, and the load balancer if its settings have changed]", Arity = ArgumentArity.ZeroOrOne };
        yield return Make(
            new Command("reload", "Replaces the replicas one by one, by a new build or configuration too: each successor is ready before its predecessor drains.") { one },
            configure,
            parsed => [parsed.GetValue(one) ?? ""]);

        var count = new Argument<string>("N") { Description = "How many replicas: N, +N, -N or auto." };
        yield return Make(new Command("scale", "Changes the number of replicas.") { count }, configure, parsed => [parsed.GetValue(count)!]);
        yield return Make(new Command("stop", "Drains and stops the cluster."), configure, _ => []);

        var follow = new Option<bool>("--follow", "-f") { Description = "Goes on with what is yet to come." };
        var replica = new Argument<string?>("REPLICA") { Description = "Whose. [all]", Arity = ArgumentArity.ZeroOrOne };
        yield return Make(
            new Command("logs", "Shows what replicas wrote.") { follow, replica }, configure, parsed => [parsed.GetValue(follow) ? "follow" : "", parsed.GetValue(replica) ?? ""]);
        yield return Make(
            new Command("events", "Shows what happened to replicas.") { follow }, configure, parsed => [parsed.GetValue(follow) ? "follow" : ""]);
    }

    private static Command Make(
        Command command, Func<ParseResult, IConfiguration> configure, Func<ParseResult, string[]> arguments, Action<ParseResult, string>? show = null)
    {
        command.SetAction(async parsed =>
        {
            var configuration = configure(parsed);
            var exitCode = await ControlClient.AskAsync(
                configuration[$"{ClusterOptions.Section}:{nameof(ClusterOptions.Name)}"],
                parsed.GetResult("--port") is null ? null : ClusterOptions.From(configuration).Port,
                new(command.Name, arguments(parsed)),
                text => (show ?? ((_, line) => Console.WriteLine(line)))(parsed, text));
            return exitCode
                ?? (command.Name is "stop" ? 0 : throw new ClusterException("The cluster ended before it answered."));
        });
        return command;
    }

    private static void ShowStatus(string text, bool asJson)
    {
        if (asJson)
        {
            Console.WriteLine(text);
            return;
        }

        if (Console.IsOutputRedirected)
        {
            // Nobody's lines are to be broken.
            AnsiConsole.Profile.Width = 500;
        }

        var status = JsonSerializer.Deserialize<ClusterStatus>(text, JsonSerializerOptions.Web)!;
        AnsiConsole.Write(StatusTable.Render(status, DateTimeOffset.UtcNow));
    }
}
