namespace ClusterAspire.Link;

/// <summary>A virtual connection, or the link that carries it, was broken off.</summary>
/// <param name="message">What happened.</param>
/// <param name="cause">Why, if that is known.</param>
public class LinkBrokenException(string message, Exception? cause = null) : IOException(message, cause);

/// <summary>The other side took no new virtual connection: nothing that was sent on it has been looked at.</summary>
public sealed class LinkRefusedException() : LinkBrokenException("The other side of the link takes no new connections.");
