using k8s;
using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>The part of the Gateway API's HTTPRoute that is used; KubernetesClient has no type for it.</summary>
internal sealed class HttpRoute : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public RouteSpec Spec { get; set; } = new();

    internal sealed class RouteSpec
    {
        public IList<Reference> ParentRefs { get; set; } = [];

        public IList<string> Hostnames { get; set; } = [];

        public IList<Rule> Rules { get; set; } = [];
    }

    internal sealed class Rule
    {
        public IList<Match> Matches { get; set; } = [];

        public IList<Reference> BackendRefs { get; set; } = [];
    }

    internal sealed class Match
    {
        public PathMatch Path { get; set; } = new();
    }

    internal sealed class PathMatch
    {
        public string Type { get; set; } = "";

        public string Value { get; set; } = "";
    }

    internal sealed class Reference
    {
        public string Name { get; set; } = "";

        public string? Namespace { get; set; }

        public int? Port { get; set; }
    }
}
