namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>How one try of a request failed, from what is known to be harmless to what is not.</summary>
internal enum TryFailure
{
    /// <summary>No connection could be made: the replica has not seen the request.</summary>
    NotSent,

    /// <summary>The replica answered 503 with <c>Retry-After</c>, as one with a full lane does.</summary>
    Refused,

    /// <summary>The connection broke before the response started: the request may have ended the replica.</summary>
    Broken,

    /// <summary>The replica was declared gone before it answered, and its connections were dropped.</summary>
    Gone,

    /// <summary>The replica did not answer in time.</summary>
    TimedOut,

    /// <summary>It failed at the client's side or in the balancer; no replica is to blame.</summary>
    NotTheReplicas,
}
