namespace ClusterAspire.Bench;

/// <summary>Clients each of which asks again as soon as it has its answer.</summary>
/// <param name="Path">What is requested.</param>
/// <param name="Concurrency">How many clients, each with a connection of its own.</param>
internal sealed record ClosedLoad(string Path, int Concurrency);
