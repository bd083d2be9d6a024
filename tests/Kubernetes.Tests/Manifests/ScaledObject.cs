using k8s;
using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>The part of KEDA's ScaledObject (keda.sh/docs, "ScaledObject specification") that is used; KubernetesClient has no type for it.</summary>
internal sealed class ScaledObject : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public V1ObjectMeta Metadata { get; set; } = new();

    public ScalingSpec Spec { get; set; } = new();

    internal sealed class ScalingSpec
    {
        public V2CrossVersionObjectReference ScaleTargetRef { get; set; } = new();

        public int MinReplicaCount { get; set; }

        public int MaxReplicaCount { get; set; }

        public int PollingInterval { get; set; }

        public AdvancedSpec Advanced { get; set; } = new();

        public IList<Trigger> Triggers { get; set; } = [];
    }

    internal sealed class AdvancedSpec
    {
        public AutoscalerSpec HorizontalPodAutoscalerConfig { get; set; } = new();
    }

    internal sealed class AutoscalerSpec
    {
        public V2HorizontalPodAutoscalerBehavior Behavior { get; set; } = new();
    }

    internal sealed class Trigger
    {
        public string Type { get; set; } = "";

        public string MetricType { get; set; } = "";

        /// <summary>All of them texts, numbers too.</summary>
        public IDictionary<string, string> Metadata { get; set; } = new Dictionary<string, string>();
    }
}
