using System.Globalization;
using k8s.Models;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Reads what tests ask of the API's types.</summary>
internal static class Specs
{
    public static V1PodSpec Pod(this V1Deployment deployment) => deployment.Spec.Template.Spec;

    public static V1Container Container(this V1Deployment deployment) => deployment.Pod().Containers.Single();

    public static IDictionary<string, string> PodLabels(this V1Deployment deployment) => deployment.Spec.Template.Metadata.Labels;

    public static string Env(this V1Deployment deployment, string name) => deployment.Container().Env.Single(variable => variable.Name == name).Value;

    /// <summary>A variable's value as the pod sees it: with the fields of the pod and the variables before in it.</summary>
    public static string Expanded(this V1Deployment deployment, string name) => deployment.Container().Env
        .Where(variable => variable.ValueFrom?.FieldRef?.FieldPath.StartsWith("metadata.annotations", StringComparison.Ordinal) is true)
        .Aggregate(deployment.Env(name), (value, field) => value.Replace($"$({field.Name})", deployment.Spec.Template.Metadata.Annotations[field.ValueFrom.FieldRef.FieldPath.Split('\'')[1]], StringComparison.Ordinal));

    public static double Seconds(this V1Deployment deployment, string name) => double.Parse(deployment.Env(name), CultureInfo.InvariantCulture);

    /// <summary>The number of a container's port that a Service or a probe names.</summary>
    public static int Port(this V1Deployment deployment, IntOrString port) =>
        int.TryParse(port.Value, CultureInfo.InvariantCulture, out var number)
            ? number
            : deployment.Container().Ports.Single(candidate => candidate.Name == port.Value).ContainerPort;

    public static bool Selects(this V1LabelSelector selector, IDictionary<string, string> labels) =>
        (selector.MatchLabels ?? new Dictionary<string, string>()).All(label => labels.TryGetValue(label.Key, out var value) && value == label.Value)
        && (selector.MatchExpressions ?? []).All(expression => expression.OperatorProperty switch
        {
            "In" => labels.TryGetValue(expression.Key, out var value) && expression.Values.Contains(value),
            var other => throw new NotSupportedException($"The tests do not know the operator {other}."),
        });
}
