namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>Destinations that come and go while the balancer runs.</summary>
internal static class DestinationsFileExtensions
{
    // The file is replaced as a whole, so there is no need to wait for the rest of a change.
    private const int ReloadDelayMilliseconds = 10;

    /// <summary>Reads <see cref="LoadBalancerOptions.DestinationsFile"/>, if there is one, now and whenever it changes.</summary>
    public static void AddDestinationsFile(this ConfigurationManager configuration)
    {
        if (configuration[$"{LoadBalancerOptions.Section}:{nameof(LoadBalancerOptions.DestinationsFile)}"] is { Length: > 0 } path)
        {
            configuration.AddJsonFile(file =>
            {
                file.Path = Path.GetFullPath(path);
                (file.Optional, file.ReloadOnChange, file.ReloadDelay) = (true, true, ReloadDelayMilliseconds);
                file.ResolveFileProvider();
            });
        }
    }
}
