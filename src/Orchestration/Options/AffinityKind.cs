namespace ClusterAspire.Orchestration.Options;

/// <summary>Which replica a client's next request goes to.</summary>
public enum AffinityKind
{
    /// <summary>Any.</summary>
    None,

    /// <summary>The one that a cookie names, which its first response sets.</summary>
    Cookie,
}
