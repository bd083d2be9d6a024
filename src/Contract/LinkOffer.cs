namespace ClusterAspire.Contract;

/// <summary>
/// How a replica can be reached by the link: at its HTTP port and, on the same machine, at a Unix socket with a unique name.
/// </summary>
/// <param name="Version">The version of the link.</param>
/// <param name="Socket">The path of the Unix socket, or null when there is none.</param>
public sealed record LinkOffer(int Version, string? Socket);
