using ClusterAspire.LoadBalancer.Upstreams;
using Yarp.ReverseProxy.Forwarder;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>Tells from YARP's error how a try failed.</summary>
internal static class TryFailures
{
    /// <summary>How the try failed.</summary>
    public static TryFailure Kind(this IForwarderErrorFeature error) => error.Error switch
    {
        _ when Is<ReplicaGoneException>(error.Exception) => TryFailure.Gone,
        ForwarderError.Request when error.Exception is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError
        } => TryFailure.NotSent,
        // The time limit for connecting has an inner TimeoutException; the request's own time limit has none.
        ForwarderError.RequestTimedOut => error.Exception?.InnerException is TimeoutException ? TryFailure.NotSent : TryFailure.TimedOut,
        ForwarderError.Request or ForwarderError.RequestBodyDestination or ForwarderError.ResponseBodyDestination
            when Is<IOException>(error.Exception) => TryFailure.Broken,
        _ => TryFailure.NotTheReplicas,
    };

    private static bool Is<T>(Exception? exception)
        where T : Exception => exception switch
    {
        T => true,
        AggregateException several => several.InnerExceptions.Any(Is<T>),
        { InnerException: { } inner } => Is<T>(inner),
        _ => false,
    };
}
