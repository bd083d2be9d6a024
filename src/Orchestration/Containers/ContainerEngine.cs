using System.ComponentModel;
using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Runtime;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>Docker or Podman, through its command.</summary>
internal sealed class ContainerEngine
{
    /// <summary>How a sentence about what is missing ends where the user insists on containers.</summary>
    public const string OrProcesses = ", or run the replicas as processes (--runtime process).";

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    // The commands below build and pull nothing. One that takes longer is ended and has failed.
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(30);

    private readonly string _command;

    private ContainerEngine(string command, string version, int processors, bool pins, bool isPodman)
    {
        _command = command;
        Name = isPodman ? $"Podman {version}" : $"Docker {version}";
        Processors = processors;
        Pins = pins;
        IsPodman = isPodman;
    }

    /// <summary>What it is, with its version.</summary>
    public string Name { get; }

    /// <summary>How many cores its containers can be given.</summary>
    public int Processors { get; }

    /// <summary>Whether it can give a container a core of its own; without root it often lacks the cpuset controller.</summary>
    public bool Pins { get; }

    /// <summary>Whether it is Podman, whatever its command is called.</summary>
    public bool IsPodman { get; }

    /// <summary>The command, as the user would type it.</summary>
    public string Command => _command;

    /// <summary>The machine its containers run on as it is now. An engine in a virtual machine has cores of its own, numbered from 0.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public Machine Machine =>
        OperatingSystem.IsLinux() && Machine.Current is { } here && here.Cores.All(core => core < Processors)
            ? here
            : new([.. Enumerable.Range(0, Processors)], Processors) { Pins = true };

    /// <summary>Finds the engine to use.</summary>
    /// <exception cref="ClusterException">There is none, it does not answer, or this user may not use it.</exception>
    public static async Task<ContainerEngine> FindAsync(EngineKind kind, CancellationToken cancellationToken)
    {
        string[] commands = kind is EngineKind.Auto ? ["docker", "podman"] : [kind.ToString().ToLowerInvariant()];
        string? why = null;
        foreach (var command in commands)
        {
            try
            {
                return await AskAsync(command, cancellationToken);
            }
            catch (Win32Exception)
            {
                // Not installed.
            }
            catch (ClusterException e)
            {
                why ??= e.Message;
            }
        }

        throw new ClusterException(why ?? $"There is no container engine on this machine: install {(kind is EngineKind.Podman ? "Podman" : "Docker or Podman")}{OrProcesses}");
    }

    /// <summary>Runs a command of the engine.</summary>
    /// <returns>What it wrote to standard output, trimmed.</returns>
    /// <exception cref="ClusterException">It failed, and the message is the engine's own; or it took longer than 30 s.</exception>
    public async Task<string> RunAsync(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, CancellationToken cancellationToken = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CommandLimit);
        try
        {
            var result = await ExecuteAsync(_command, arguments, environment, limit.Token).WaitAsync(limit.Token);
            return result.IsSuccess ? result.StandardOutput.Trim() : throw new ClusterException(Reason(result.StandardError));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ClusterException($"{Name} has not answered for {CommandLimit.TotalSeconds} s.");
        }
        catch (Win32Exception e)
        {
            throw new ClusterException($"{_command} cannot be run any more: {e.Message}.");
        }
    }

    /// <summary>Runs a command of the engine that may well fail.</summary>
    /// <returns>What it wrote to standard output, trimmed; null when it failed, or took longer than 30 s.</returns>
    public async Task<string?> TryRunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken = default)
    {
        try
        {
            return await RunAsync(arguments, cancellationToken: cancellationToken);
        }
        catch (ClusterException)
        {
            return null;
        }
    }

    /// <summary>Runs a command of the engine and hands its output on, line by line, for as long as it takes.</summary>
    /// <returns>Whether it succeeded.</returns>
    public async Task<bool> StreamAsync(IEnumerable<string> arguments, Action<string> output, CancellationToken cancellationToken = default)
    {
        var lines = PipeTarget.Create((stream, _) => OutputLines.ForwardAsync(stream, output));
        try
        {
            var result = await Cli.Wrap(_command)
                .WithArguments(arguments)
                .WithValidation(CommandResultValidation.None)
                .WithStandardOutputPipe(lines)
                .WithStandardErrorPipe(lines)
                .ExecuteAsync(cancellationToken);
            return result.IsSuccess;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static async Task<ContainerEngine> AskAsync(string command, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            var answer = await ExecuteAsync(command, ["info", "--format", "{{json .}}"], null, limit.Token);
            return answer.IsSuccess ? Read(command, answer.StandardOutput) : throw Unusable(command, answer.StandardError);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unusable(command, $"no answer in {AnswerLimit.TotalSeconds} s");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException)
        {
            throw Unusable(command, $"'{command} info' answers something else than an engine does");
        }
    }

    private static ContainerEngine Read(string command, string info)
    {
        using var json = JsonDocument.Parse(info);
        var root = json.RootElement;
        if (root.TryGetProperty("host", out var host))
        {
            return new(command, root.GetProperty("version").GetProperty("Version").GetString()!, host.GetProperty("cpus").GetInt32(), HasCpusets(host), isPodman: true);
        }

        // Older versions of Docker's command report the failure here and exit with 0.
        if (root.TryGetProperty("ServerErrors", out var errors) && errors.ValueKind is JsonValueKind.Array && errors.GetArrayLength() > 0)
        {
            throw Unusable(command, errors[0].GetString()!);
        }

        return root.GetProperty("OSType").GetString() is "linux"
            ? new(command, root.GetProperty("ServerVersion").GetString()!, root.GetProperty("NCPU").GetInt32(), root.GetProperty("CPUSet").GetBoolean(), isPodman: false)
            : throw new ClusterException($"Docker runs Windows containers: switch it to Linux containers{OrProcesses}");
    }

    private static bool HasCpusets(JsonElement host) =>
        !host.TryGetProperty("cgroupControllers", out var controllers)
        || controllers.ValueKind is not JsonValueKind.Array
        || controllers.EnumerateArray().Any(controller => controller.GetString() is "cpuset");

    private static ClusterException Unusable(string command, string error)
    {
        var name = command is "podman" ? "Podman" : "Docker";
        return new(error.Contains("permission denied", StringComparison.OrdinalIgnoreCase)
            ? $"This user may not use {name}: add the user to the group docker and log in again, use Podman without root (--engine podman){OrProcesses}"
            : $"{name} is installed but does not answer ({Reason(error).TrimEnd('.', '?')}): start it{OrProcesses}");
    }

    private static async Task<BufferedCommandResult> ExecuteAsync(string command, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment, CancellationToken cancellationToken) =>
        await Cli.Wrap(command)
            .WithArguments(arguments)
            .WithEnvironmentVariables(environment?.ToDictionary(variable => variable.Key, variable => (string?)variable.Value) ?? [])
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellationToken);

    // The last line that the engine wrote, without the names of the programs that passed it on and without hints at --help.
    private static string Reason(string error)
    {
        var line = error.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .LastOrDefault(line => !line.Contains("--help", StringComparison.Ordinal)) ?? "it does not say why";
        foreach (var prefix in (string[])["Error response from daemon: ", "ERROR: ", "Error: "])
        {
            var start = line.IndexOf(prefix, StringComparison.Ordinal);
            line = start < 0 ? line : line[(start + prefix.Length)..];
        }

        return line;
    }
}
