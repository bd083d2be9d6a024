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
    /// <param name="services">The services that a command line means.</param>
    public static IEnumerable<Command> Of(Func<ParseResult, IReadOnlyList<ConfiguredService>> services)
    {
        var json = new Option<bool>("--json") { Description = "As JSON." };
        yield return Make(
            new Command("status", "Shows what the replicas are doing.") { json }, services, _ => [], (parsed, text) => ShowStatus(text, parsed.GetValue(json)));
        var one = new Argument<string?>("NAME") { Description = "A replica, to replace that one alone as it is, or loadbalancer. [the replicas, and the load balancer if its settings have changed]", Arity = ArgumentArity.ZeroOrOne };
        yield return Make(
            new Command("reload", "Replaces the replicas one by one, by a new build or configuration too: each successor is ready before its predecessor drains.") { one },
            services,
            parsed => [parsed.GetValue(one) ?? ""]);

        var count = new Argument<string>("N") { Description = "How many replicas: N, +N, -N or auto." };
        yield return Make(new Command("scale", "Changes the number of replicas.") { count }, services, parsed => [parsed.GetValue(count)!]);
        yield return Make(new Command("stop", "Drains and stops the cluster."), services, _ => []);

        var follow = new Option<bool>("--follow", "-f") { Description = "Goes on with what is yet to come." };
        var replica = new Argument<string?>("REPLICA") { Description = "Whose. [all]", Arity = ArgumentArity.ZeroOrOne };
        yield return Make(
            new Command("logs", "Shows what replicas wrote.") { follow, replica }, services, parsed => [parsed.GetValue(follow) ? "follow" : "", parsed.GetValue(replica) ?? ""]);
        yield return Make(
            new Command("events", "Shows what happened to replicas.") { follow }, services, parsed => [parsed.GetValue(follow) ? "follow" : ""]);
    }

    private static Command Make(
        Command command, Func<ParseResult, IReadOnlyList<ConfiguredService>> services, Func<ParseResult, string[]> arguments, Action<ParseResult, string>? show = null)
    {
        command.SetAction(async parsed =>
        {
            var request = new ControlRequest(command.Name, arguments(parsed));
            var names = Names(parsed, services);
            if (names is [var name])
            {
                return await AskAsync(name, Port(parsed), request, text => Show(parsed, text), Console.Error.WriteLine);
            }

            if (request is { Verb: "scale" } or { Verb: "reload", Arguments: [not ""] } or { Verb: "logs", Arguments: [_, not ""] })
            {
                throw ConfiguredService.Several(names);
            }

            if (request is { Verb: "stop" } or { Arguments: ["follow", ..] })
            {
                return (await Task.WhenAll(names.Select(AskEachAsync))).Max();
            }

            var exitCode = 0;
            foreach (var each in names)
            {
                exitCode = Math.Max(exitCode, await AskEachAsync(each));
            }

            return exitCode;

            async Task<int> AskEachAsync(string? service)
            {
                try
                {
                    return await AskAsync(service, null, request, text => Show(parsed, show is null ? $"{service}: {text}" : text), error => Console.Error.WriteLine($"{service}: {error}"));
                }
                catch (ClusterException e)
                {
                    await Console.Error.WriteLineAsync(e.Message);
                    return 1;
                }
            }
        });
        return command;

        void Show(ParseResult parsed, string text) => (show ?? ((_, line) => Console.WriteLine(line)))(parsed, text);
    }

    private static async Task<int> AskAsync(string? name, int? port, ControlRequest request, Action<string> show, Action<string> complain) =>
        await ControlClient.AskAsync(name, port, request, show, complain)
            ?? (request.Verb is "stop" ? 0 : throw new ClusterException("The cluster ended before it answered."));

    // --name may name any running cluster, also one that is not in the file.
    private static IReadOnlyList<string?> Names(ParseResult parsed, Func<ParseResult, IReadOnlyList<ConfiguredService>> services)
    {
        if (parsed.GetValue<string>(ClusterCommand.NameSwitch) is { } named)
        {
            return [named];
        }

        var all = services(parsed);
        return all is [{ Name: null } only] ? [only.Read()[$"{ClusterOptions.Section}:{nameof(ClusterOptions.Name)}"]]
            : Port(parsed) is null ? [.. all.Select(service => service.Name)]
            : [null];
    }

    private static int? Port(ParseResult parsed) => parsed.GetValue<string>(ClusterCommand.PortSwitch) is not { } port ? null
        : ClusterOptions.From(new ConfigurationBuilder().AddInMemoryCollection([new($"{ClusterOptions.Section}:{nameof(ClusterOptions.Port)}", port)]).Build()).Port;

    private static void ShowStatus(string text, bool asJson)
    {
        if (asJson)
        {
            Console.WriteLine(text);
            return;
        }

        if (Console.IsOutputRedirected)
        {
            // No line is wrapped.
            AnsiConsole.Profile.Width = 500;
        }

        var status = JsonSerializer.Deserialize<ClusterStatus>(text, JsonSerializerOptions.Web)!;
        AnsiConsole.Write(StatusTable.Render(status, DateTimeOffset.UtcNow));
    }
}
