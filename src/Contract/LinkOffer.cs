namespace ClusterAspire.Contract;

/// <summary>
/// That a replica can be reached by the link: at the port it answers HTTP requests at and, on its machine, at a Unix socket, whose
/// name nobody else has.
/// </summary>
/// <param name="Version">The version of the link.</param>
/// <param name="Socket">The path of the Unix socket, or null when there is none.</param>
public sealed record LinkOffer(int Version, string? Socket);
