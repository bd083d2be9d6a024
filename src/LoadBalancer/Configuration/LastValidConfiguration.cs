using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;

namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>Keeps the proxy's last valid configuration in force when a reload brings a mistake, and logs the mistake.</summary>
/// <param name="source">Reads the configuration.</param>
/// <param name="logger">Logs the mistakes.</param>
internal sealed partial class LastValidConfiguration(IProxyConfigProvider source, ILogger<LastValidConfiguration> logger) : IProxyConfigProvider, IDisposable
{
    private IProxyConfig? _lastValid;

    /// <inheritdoc/>
    public IProxyConfig GetConfig()
    {
        var read = source.GetConfig();
        var mistakes = ProxyConfigurationCheck.Mistakes(read.Routes, read.Clusters).ToList();
        if (mistakes.Count == 0 || _lastValid is null)
        {
            // If the first configuration is not valid, the start fails.
            return _lastValid = read;
        }

        foreach (var mistake in mistakes)
        {
            Log.Kept(logger, mistake);
        }

        return new Kept(_lastValid.Routes, _lastValid.Clusters, read.ChangeToken);
    }

    /// <inheritdoc/>
    public void Dispose() => (source as IDisposable)?.Dispose();

    /// <param name="Routes">The routes of the last valid configuration.</param>
    /// <param name="Clusters">The clusters of the last valid configuration.</param>
    /// <param name="ChangeToken">Fires at the next reload.</param>
    private sealed record Kept(IReadOnlyList<RouteConfig> Routes, IReadOnlyList<ClusterConfig> Clusters, IChangeToken ChangeToken) : IProxyConfig;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The changed configuration is not used, the one before stays in force: {Mistake}")]
        public static partial void Kept(ILogger logger, string mistake);
    }
}

/// <summary>Registers it.</summary>
internal static class LastValidConfigurationExtensions
{
    /// <summary>Puts a <see cref="LastValidConfiguration"/> in front of the provider that was registered last.</summary>
    public static IReverseProxyBuilder KeepLastValidConfiguration(this IReverseProxyBuilder proxy)
    {
        var loaded = proxy.Services.Last(service => service.ServiceType == typeof(IProxyConfigProvider));
        proxy.Services.Remove(loaded);
        proxy.Services.AddSingleton<IProxyConfigProvider>(services => new LastValidConfiguration(
            (IProxyConfigProvider)loaded.ImplementationFactory!(services), services.GetRequiredService<ILogger<LastValidConfiguration>>()));
        return proxy;
    }
}
