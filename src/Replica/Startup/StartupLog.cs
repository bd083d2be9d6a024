using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Startup;

/// <summary>
/// Prevents the host from logging a failed start with its stack trace while <see cref="RunOrExplainExtensions"/> runs it, which
/// explains the failure or throws it.
/// </summary>
internal sealed class StartupLog
{
    private volatile bool _isStarting;

    public bool IsStarting
    {
        get => _isStarting;
        set => _isStarting = value;
    }

    public static void AddTo(IHostApplicationBuilder builder)
    {
        var log = new StartupLog();
        builder.Services.AddSingleton(log);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => level >= LogLevel.Information && !log.IsStarting);
    }
}
