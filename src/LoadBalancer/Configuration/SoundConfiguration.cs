using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Configuration;

namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>Keeps the proxy's last sound configuration in force when a reload brings a mistake, and says which.</summary>
/// <param name="source">Reads the configuration.</param>
/// <param name="logger">Is told of mistakes.</param>
internal sealed partial class SoundConfiguration(IProxyConfigProvider source, ILogger<SoundConfiguration> logger) : IProxyConfigProvider, IDisposable
{
    private IProxyConfig? _sound;

    /// <inheritdoc/>
    public IProxyConfig GetConfig()
    {
        var read = source.GetConfig();
        var mistakes = ProxyConfigurationCheck.Mistakes(read.Routes, read.Clusters).ToList();
        if (mistakes.Count == 0 || _sound is null)
        {
            // If the first configuration is not valid, the start fails.
            return _sound = read;
        }

        foreach (var mistake in mistakes)
        {
            Log.Kept(logger, mistake);
        }

        return new Kept(_sound.Routes, _sound.Clusters, read.ChangeToken);
    }

    /// <inheritdoc/>
    public void Dispose() => (source as IDisposable)?.Dispose();

    /// <param name="Routes">The routes of the last sound one.</param>
    /// <param name="Clusters">The clusters of the last sound one.</param>
    /// <param name="ChangeToken">Fires at the next reload.</param>
    private sealed record Kept(IReadOnlyList<RouteConfig> Routes, IReadOnlyList<ClusterConfig> Clusters, IChangeToken ChangeToken) : IProxyConfig;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The changed configuration is not used, the one before stays in force: {Mistake}")]
        public static partial void Kept(ILogger logger, string mistake);
    }
}

/// <summary>Registers it.</summary>
internal static class SoundConfigurationExtensions
{
    /// <summary>Puts a <see cref="SoundConfiguration"/> before the configuration that was loaded last.</summary>
    public static IReverseProxyBuilder KeepSound(this IReverseProxyBuilder proxy)
    {
        var loaded = proxy.Services.Last(service => service.ServiceType == typeof(IProxyConfigProvider));
        proxy.Services.Remove(loaded);
        proxy.Services.AddSingleton<IProxyConfigProvider>(services => new SoundConfiguration(
            (IProxyConfigProvider)loaded.ImplementationFactory!(services), services.GetRequiredService<ILogger<SoundConfiguration>>()));
        return proxy;
    }
}
