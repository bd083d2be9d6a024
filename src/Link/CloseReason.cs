namespace ClusterAspire.Link;

/// <summary>Why a virtual connection is over.</summary>
public enum CloseReason
{
    /// <summary>Its side has finished with it. Whoever still reads sees its end.</summary>
    Done,

    /// <summary>It was broken off. Whoever still reads sees a failure.</summary>
    Aborted,

    /// <summary>Nobody took it: nothing that was sent on it has been looked at.</summary>
    Refused,
}
