namespace ClusterAspire.Replica.Health;

/// <summary>The endpoints <c>/health</c> and <c>/alive</c>. Without dependencies: they are mapped before any option is validated.</summary>
internal sealed class ProbeEndpoints
{
    /// <summary>Whether the application has mapped them.</summary>
    public bool AreMapped { get; set; }
}
