using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ClusterAspire.Replica.Startup;

/// <summary>Runs a host, and says in one sentence what to change when it cannot start.</summary>
public static class RunOrExplainExtensions
{
    /// <summary>How long the host's disposal may take, telemetry's last export above all.</summary>
    private static readonly TimeSpan DisposeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Builds the application, maps its endpoints and runs it as <see cref="RunOrExplainAsync(IHost)"/> does. For one that
    /// reads options, such as where to listen, before it starts.
    /// </summary>
    /// <param name="builder">The application being built.</param>
    /// <param name="map">Maps its endpoints.</param>
    /// <inheritdoc cref="RunOrExplainAsync(IHost)" path="/returns"/>
    public static async Task<int> RunOrExplainAsync(this WebApplicationBuilder builder, Action<WebApplication> map)
    {
        WebApplication app;
        try
        {
            app = builder.Build();
            map(app);
        }
        catch (Exception e) when (StartupFailure.Explain(e, builder.Configuration) is { } sentences)
        {
            return await FailAsync(sentences);
        }

        return await app.RunOrExplainAsync();
    }

    /// <summary>
    /// Runs the host until it is told to stop. If a mistake of the user prevents the start (an option that is not valid, a port that is
    /// in use), writes one sentence for each mistake to standard error, without a stack trace. Other exceptions are thrown.
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
        catch (Exception e) when (log.IsStarting && StartupFailure.Explain(e, host.Services.GetRequiredService<IConfiguration>()) is { } sentences)
        {
            return await FailAsync(sentences);
        }
        catch (OperationCanceledException) when (host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested)
        {
            // It was told to stop before it had started, which can happen to a standby.
            return 0;
        }
        finally
        {
            await DisposeAsync(host);
        }
    }

    private static async Task<int> FailAsync(IEnumerable<string> sentences)
    {
        foreach (var sentence in sentences)
        {
            await Console.Error.WriteLineAsync(sentence);
        }

        return 1;
    }

    private static async Task DisposeAsync(IHost host)
    {
        try
        {
            await Task.Run(async () => await ((IAsyncDisposable)host).DisposeAsync()).WaitAsync(DisposeTimeout);
        }
        catch (TimeoutException)
        {
            // A collector that accepts connections and does not answer would delay metrics, traces and logs, one after the other.
        }
    }
}
