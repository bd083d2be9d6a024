using System.Diagnostics;
using System.Net;
using System.Text;
using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>A process that runs as a pod would: the manifests' environment, an address of its own.</summary>
internal sealed class Pod : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    /// <summary>Starts the process.</summary>
    /// <param name="name">The pod's name.</param>
    /// <param name="address">The pod's address.</param>
    /// <param name="port">The TCP port it listens at.</param>
    /// <param name="command">The program and its arguments, the last one its assembly's path.</param>
    /// <param name="deployment">Where the environment comes from.</param>
    /// <param name="changes">Variables that have to differ on this machine; null takes one away.</param>
    public Pod(string name, IPAddress address, int port, IReadOnlyList<string> command, V1Deployment deployment, IReadOnlyDictionary<string, string?> changes)
    {
        (Name, Address, Url) = (name, address, new($"http://{address}:{port}"));
        ProcessStartInfo start = new(command[0], command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // As in an image: its configuration files are where it is.
            WorkingDirectory = Path.GetDirectoryName(command[^1]),
        };
        // What stands before may be named, as $(NAME).
        foreach (var variable in deployment.Container().Env)
        {
            start.Environment[variable.Name] = variable.ValueFrom is { } source
                ? Field(deployment, name, source.FieldRef.FieldPath)
                : deployment.Container().Env.Aggregate(variable.Value, (value, other) => value.Replace($"$({other.Name})", start.Environment.TryGetValue(other.Name, out var known) ? known : null, StringComparison.Ordinal));
        }

        foreach (var (variable, value) in changes)
        {
            start.Environment[variable] = value;
        }

        // Should the tests be killed, it does not outlive them.
        start.Environment["Supervisor__Pid"] = $"{Environment.ProcessId}";
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Write(line.Data);
        _process.ErrorDataReceived += (_, line) => Write(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Name { get; }

    public IPAddress Address { get; }

    public Uri Url { get; }

    /// <summary>What it has written.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Tells it to leave, as the kubelet does after the preStop hook.</summary>
    public void Terminate() => Process.Start("kill", ["-TERM", $"{_process.Id}"]).Dispose();

    /// <summary>Kills it, as the kernel does when memory runs out.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Eventually.Limit);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static string Field(V1Deployment deployment, string name, string path) =>
        path.StartsWith("metadata.annotations['", StringComparison.Ordinal)
            ? deployment.Spec.Template.Metadata.Annotations[path.Split('\'')[1]]
            : name;

    private void Write(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
