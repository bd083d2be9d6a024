using System.Diagnostics;
using System.Net;
using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>A process that runs as a pod would: the manifests' environment, an address of its own.</summary>
/// <param name="name">The pod's name.</param>
/// <param name="address">The pod's address.</param>
/// <param name="port">The TCP port it listens at.</param>
/// <param name="command">The program and its arguments, the last one its assembly's path.</param>
/// <param name="deployment">Where the environment comes from.</param>
/// <param name="changes">Variables that have to differ on this machine; null takes one away.</param>
internal sealed class Pod(string name, IPAddress address, int port, IReadOnlyList<string> command, V1Deployment deployment, IReadOnlyDictionary<string, string?> changes)
    : TestProcess(Describe(name, command, deployment, changes))
{
    public string Name { get; } = name;

    public IPAddress Address { get; } = address;

    public Uri Url { get; } = new($"http://{address}:{port}");

    private static ProcessStartInfo Describe(string name, IReadOnlyList<string> command, V1Deployment deployment, IReadOnlyDictionary<string, string?> changes)
    {
        ProcessStartInfo start = new(command[0], command.Skip(1))
        {
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
        return start;
    }

    private static string Field(V1Deployment deployment, string name, string path) =>
        path.StartsWith("metadata.annotations['", StringComparison.Ordinal)
            ? deployment.Spec.Template.Metadata.Annotations[path.Split('\'')[1]]
            : name;
}
