using ClusterAspire.Contract;
using ClusterAspire.Orchestration;

namespace ClusterAspire.Runner.Control;

/// <summary>Talks to a running cluster of this user.</summary>
internal static class ControlClient
{
    /// <summary>Asks the cluster that is meant to do something, and shows what it replies.</summary>
    /// <param name="name">Its name, or null for any.</param>
    /// <param name="port">Its public port, or null for any.</param>
    /// <param name="request">What to do.</param>
    /// <param name="show">Shows a line of the reply.</param>
    /// <param name="complain">Shows why it was not done.</param>
    /// <returns>The exit code; null when the cluster ended without one.</returns>
    /// <exception cref="ClusterException">There is none, or there are several.</exception>
    public static async Task<int?> AskAsync(string? name, int? port, ControlRequest request, Action<string> show, Action<string> complain)
    {
        await using var connection = await ConnectAsync(name, port);
        await foreach (var reply in connection.AskAsync(request))
        {
            switch (reply)
            {
                case { ExitCode: { } exitCode }:
                    return exitCode;
                case { Error: { } error }:
                    complain(error);
                    break;
                case { Text: { } text }:
                    show(text);
                    break;
            }
        }

        return null;
    }

    private static async Task<ControlConnection> ConnectAsync(string? name, int? port)
    {
        var running = ControlAddress.Running().Where(address => (name is null || address.Name == name) && (port is null || address.Port == port)).ToList();
        var connection = running is [var only] ? await ControlConnection.TryConnectAsync(only.Path) : null;
        return connection ?? throw new ClusterException(running.Count < 2
            ? $"No cluster{(name is null ? "" : $" called {name}")}{(port is null ? "" : $" at port {port}")} of this user is running: clusteraspire run starts one."
            : $"Several clusters are running, {string.Join(", ", running)}: say which by --port or --name.");
    }
}
