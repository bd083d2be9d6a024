namespace ClusterAspire.Orchestration;

/// <summary>Something the user has to change, said in one sentence; the AppHost prints it and ends with code 1.</summary>
/// <param name="message">The sentence.</param>
public sealed class ClusterException(string message) : Exception(message);
