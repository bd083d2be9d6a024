namespace ClusterAspire.Replica.Lane;

/// <summary>Endpoint metadata: the endpoint's handler runs on the <see cref="ComputeLane"/>.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Delegate)]
internal sealed class RunsOnComputeLaneAttribute : Attribute;
