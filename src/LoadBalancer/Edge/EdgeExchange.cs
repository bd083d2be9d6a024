using System.Diagnostics;
using ClusterAspire.LoadBalancer.Forwarding.Http1;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Upstreams;

namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>
/// A request at the edge, its response, and the replica that is asked. Used again and again, by one connection at a time.
/// </summary>
internal sealed class EdgeExchange
{
    /// <summary>The request.</summary>
    public EdgeRequest Request { get; } = new();

    /// <summary>The response.</summary>
    public EdgeResponse Response { get; } = new();

    /// <summary>The route that the request takes.</summary>
    public EdgeRoute Route { get; private set; } = null!;

    /// <summary>What the request asks for, as retries know it.</summary>
    public RequestTarget Target { get; private set; }

    /// <summary>The replica that is asked.</summary>
    public Upstream Replica { get; private set; } = null!;

    /// <summary>The connections to the replica.</summary>
    public ConnectionPool Pool { get; private set; } = null!;

    /// <summary>Which of the replica's lives it is.</summary>
    public int Run { get; private set; }

    /// <summary>When it began.</summary>
    public DateTimeOffset StartedAt { get; private set; }

    /// <summary>When it began, as a timestamp.</summary>
    public long Started { get; private set; }

    /// <summary>The span around the request's, if any.</summary>
    public Activity? Outer { get; set; }

    /// <summary>The request's span, if it is traced.</summary>
    public Activity? Span { get; set; }

    /// <summary>The try's span, if the request is traced.</summary>
    public Activity? TrySpan { get; set; }

    /// <summary>The replica is asked from now on.</summary>
    public void Begin(EdgeRoute route, RequestTarget target, Upstream replica, ConnectionPool pool, TimeProvider time)
    {
        (Route, Target, Replica, Pool, Run) = (route, target, replica, pool, replica.Run);
        (StartedAt, Started) = (time.GetUtcNow(), time.GetTimestamp());
    }
}
