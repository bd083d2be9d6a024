using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ClusterAspire.ServiceDefaults;

/// <summary>Runs a host, and says in one sentence what to change when it cannot start.</summary>
public static class RunOrExplainExtensions
{
    /// <summary>How long the host's disposal may take, telemetry's last export above all.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Runs the host until it is told to stop. When a mistake of the user's keeps it from starting (an option that is wrong,
    /// a port that is taken), writes one sentence for each to standard error, without a stack trace. Anything else that goes
    /// wrong is thrown as usual.
    /// </summary>
    /// <param name="host">The application. Disposed at the end.</param>
    /// <returns>The exit code: 0, or 1 when it could not start.</returns>
    public static async Task<int> RunOrExplainAsync(this IHost host)
    {
        var log = host.Services.GetService<StartupLog>() ?? new();
        try
        {
            log.IsStarting = true;
            await host.StartAsync();
            log.IsStarting = false;
            await host.WaitForShutdownAsync();
            return 0;
        }
        catch (Exception e) when (log.IsStarting && StartupFailure.Explain(e, host.Services) is { } sentences)
        {
            foreach (var sentence in sentences)
            {
                await Console.Error.WriteLineAsync(sentence);
            }

            return 1;
        }
        finally
        {
            await DisposeAsync(host);
        }
    }

    private static async Task DisposeAsync(IHost host)
    {
        try
        {
            await Task.Run(async () => await ((IAsyncDisposable)host).DisposeAsync()).WaitAsync(LastWords);
        }
        catch (TimeoutException)
        {
            // A collector that takes connections and says nothing would keep metrics, traces and logs waiting, one after the other.
        }
    }
}
