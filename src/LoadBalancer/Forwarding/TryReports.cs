using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Health;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>Tells the probe and the poison list what became of a try.</summary>
internal sealed class TryReports(ReplicaProbe probe, PoisonList poison)
{
    /// <summary>A replica has answered a request.</summary>
    /// <param name="cluster">The replica's cluster.</param>
    /// <param name="replica">The replica.</param>
    /// <param name="started">When the request was sent, as a timestamp.</param>
    /// <param name="answeredAt">When the replica last answered, as a timestamp: that it began a response that broke later proves no more.</param>
    public void Responded(ClusterState cluster, Upstream replica, long started, long answeredAt)
    {
        replica.Answered(started, answeredAt);
        if (replica.IsSilent)
        {
            probe.AnswersAgain(cluster, replica, answeredAt);
        }
    }

    /// <summary>A replica failed a request.</summary>
    /// <param name="error">How.</param>
    /// <param name="cluster">The replica's cluster.</param>
    /// <param name="replica">The replica.</param>
    /// <param name="target">What the request asked for.</param>
    /// <param name="run">The replica's <see cref="Upstream.Run"/> when the request was sent.</param>
    /// <param name="started">When it was sent, as a timestamp.</param>
    /// <param name="hasStarted">Whether the response had started.</param>
    public void Failed(IForwarderErrorFeature error, ClusterState cluster, Upstream replica, RequestTarget target, int run, long started, bool hasStarted)
    {
        switch (error.Kind())
        {
            case TryFailure.NotSent when error.Exception is HttpRequestException:
                probe.Refused(cluster, replica);
                break;
            case TryFailure.Broken when replica.State is not ReplicaState.Draining && !hasStarted:
                poison.Broke(target, replica, run, started);
                probe.ProbeNow(replica.Destination);
                break;
            case not TryFailure.NotTheReplicas:
                probe.ProbeNow(replica.Destination);
                break;
        }
    }
}
