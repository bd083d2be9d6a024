namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>What becomes of a compute request's body that is longer than <see cref="LoadBalancerOptions.BodyMemory"/>.</summary>
public enum ComputeBodyKind
{
    /// <summary>It is received into a temporary file before a core is taken.</summary>
    Spool,

    /// <summary>A core is taken and the body passed on as it comes: a slow client holds the core.</summary>
    Stream,
}
