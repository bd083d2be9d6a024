using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Startup;

/// <summary>Runs a host, and says in one sentence what to change when it cannot start.</summary>
public static partial class RunOrExplainExtensions
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
    /// in use), writes one sentence for each mistake to standard error, without a stack trace. Other exceptions of the start are thrown.
    /// What fails after it was told to stop is logged.
    /// </summary>
    /// <param name="host">The application. Disposed at the end.</param>
    /// <returns>The exit code: 0, or 1 when it could not start or stop.</returns>
    public static async Task<int> RunOrExplainAsync(this IHost host)
    {
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(RunOrExplainExtensions));
        var exitCode = 1;
        try
        {
            exitCode = await StartAndStopAsync(host, logger);
        }
        finally
        {
            if (!await DisposeAsync(host, logger))
            {
                exitCode = 1;
            }
        }

        return exitCode;
    }

    private static async Task<int> StartAndStopAsync(IHost host, ILogger logger)
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
        catch (Exception e) when (!log.IsStarting)
        {
            Log.StopFailed(logger, e);
            return 1;
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

    private static async Task<bool> DisposeAsync(IHost host, ILogger logger)
    {
        try
        {
            await Task.Run(async () => await ((IAsyncDisposable)host).DisposeAsync()).WaitAsync(DisposeTimeout);
            return true;
        }
        catch (TimeoutException)
        {
            // A collector that accepts connections and does not answer would delay metrics, traces and logs, one after the other.
            return true;
        }
        catch (Exception e)
        {
            Log.StopFailed(logger, e);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The application failed while it stopped.")]
        public static partial void StopFailed(ILogger logger, Exception exception);
    }
}
