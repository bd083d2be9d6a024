using ClusterAspire.Contract;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Discovery;

/// <summary>Marks the destinations that have been told to end, in their metadata.</summary>
internal static class Termination
{
    /// <summary>The destination, marked.</summary>
    public static DestinationConfig AsTerminating(this DestinationConfig config) =>
        config with { Metadata = new Dictionary<string, string>(config.Metadata ?? new Dictionary<string, string>()) { [DestinationMetadata.Terminating] = bool.TrueString } };

    /// <summary>Whether the destination is marked.</summary>
    public static bool IsTerminating(this DestinationState destination) =>
        destination.Model.Config.Metadata?.ContainsKey(DestinationMetadata.Terminating) is true;
}
