namespace ClusterAspire.Bench;

/// <summary>Requests that come whether or not the ones before have been answered, as users do.</summary>
/// <param name="Path">What is requested.</param>
/// <param name="Rate">Requests per second.</param>
/// <param name="MaxConnections">At most so many are in flight; others wait in the generator while their latency counts.</param>
internal sealed record OpenLoad(string Path, double Rate, int MaxConnections = 512);
