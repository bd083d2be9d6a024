using System.Text.Json;
using System.Text.RegularExpressions;
using ClusterAspire.Orchestration.Plan;
using YamlDotNet.Serialization;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>A Helm chart of the manifests. What users change is in <c>values.yaml</c>; with its defaults the chart makes the same objects.</summary>
internal sealed partial class HelmChart
{
    private const string Container = "spec.template.spec.containers.0";
    private const string Head = "# Written by dotnet run --project src/Runner -- publish k8s --format helm: change the values, not this file.\n";

    // Numbers and truth values stay what they are, strings stay strings.
    private static readonly IDeserializer Reader = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    private readonly ClusterPlan _plan;
    private readonly KubernetesOptions _options;
    private readonly List<Value> _values = [];
    private readonly List<(string Name, string Text)> _templates;

    /// <param name="plan">The plan.</param>
    /// <param name="options">What it leaves open.</param>
    /// <param name="files">The manifests.</param>
    public HelmChart(ClusterPlan plan, KubernetesOptions options, IEnumerable<ManifestFile> files)
    {
        (_plan, _options) = (plan, options);
        _templates = [.. files.Select(file => ($"templates/{file.Name}", Template(file)))];
    }

    /// <summary>The chart's files.</summary>
    public IEnumerable<(string Name, string Text)> Files => [("Chart.yaml", Chart), ("values.yaml", Values), ("values.schema.json", Schema), .. _templates];

    private string Chart => Head + ManifestFile.Serialize(new
    {
        ApiVersion = "v2",
        _plan.Name,
        Description = $"{_plan.Name}, with a load balancer in front of it",
        Type = "application",
        Version = "1.0.0",
        AppVersion = _options.ServiceImage[(_options.ServiceImage.LastIndexOf(':') + 1)..],
        KubeVersion = ">=1.30.0-0",
    });

    private string Values => string.Join('\n', _values.GroupBy(value => value.Owner).Select(owner =>
        $"{owner.Key}:\n{string.Concat(owner.Select(value => $"  # {value.What}\n{Indent(ManifestFile.Serialize(new Dictionary<string, object> { [value.Name] = value.Default }))}"))}"));

    // A misspelt value is an error. Helm gives "global" to every chart.
    private string Schema => JsonSerializer.Serialize(
        Object(_values.GroupBy(value => value.Owner).Select(owner => KeyValuePair.Create(owner.Key, (object)Object(owner.Select(value => KeyValuePair.Create(value.Name, TypeOf(value.Default))))))
            .Append(KeyValuePair.Create("global", (object)new { type = "object" }))),
        Indented) + "\n";

    private string Template(ManifestFile file)
    {
        var text = Head + string.Join("---\n", file.Manifests.Select(manifest =>
        {
            var content = (Dictionary<object, object>)Reader.Deserialize(ManifestFile.Serialize(manifest.Content))!;
            var metadata = (Dictionary<object, object>)content["metadata"];
            MoveToValues($"{content["kind"]}", $"{metadata["name"]}", content);
            return ManifestFile.Serialize(content);
        }));
        return VariablesItem().Replace(Fields().Replace(text, "{{ $1 }}"), """
            $1{{- range $name, $value := .Values.$2.environment }}
            $1- name: {{ toJson $name }}
            $1  value: {{ toJson $value }}
            $1{{- end }}
            $1{{- range $name, $reference := .Values.$2.secrets }}
            $1- name: {{ toJson $name }}
            $1  valueFrom: { secretKeyRef: { name: {{ dir $reference | toJson }}, key: {{ base $reference | toJson }} } }
            $1{{- end }}
            """);
    }

    private void MoveToValues(string kind, string name, Dictionary<object, object> content)
    {
        var owner = name == LoadBalancerPlan.Name ? "loadBalancer" : "service";
        switch (kind)
        {
            case "Deployment":
                Move(content, $"{Container}.image", owner, "image", "The image and its tag.", name == LoadBalancerPlan.Name ? _options.LoadBalancerImage : _options.ServiceImage);
                if (name == LoadBalancerPlan.Name)
                {
                    Move(content, "spec.replicas", owner, "replicas", "How many pods run.");
                }

                Move(content, $"{Container}.resources", owner, "resources", "What a pod asks for, and the most it gets.");
                MoveEnvironment((List<object>)Node(content, $"{Container}.env"), owner);
                break;
            case "HorizontalPodAutoscaler":
                Move(content, "spec.minReplicas", owner, "minReplicas", "The autoscaler runs at least so many pods.");
                Move(content, "spec.maxReplicas", owner, "maxReplicas", "The autoscaler runs at most so many pods.");
                break;
            case "Service" when name == LoadBalancerPlan.Name:
                Move(content, "spec.type", owner, "serviceType", "ClusterIP, NodePort or LoadBalancer.");
                Move(content, "spec.ports.0.port", owner, "port", "The public port.");
                break;
            case "RoleBinding":
                // Kustomize adds it by itself.
                ((Dictionary<object, object>)Node(content, "subjects.0"))["namespace"] = "HELM<toJson .Release.Namespace>";
                break;
        }
    }

    // The variables that the user gave; those that the manifests need are not for others to change.
    private void MoveEnvironment(List<object> environment, string owner)
    {
        var (variables, secrets) = owner is "service" ? (_options.Environment, _options.Secrets) : ([], []);
        environment.RemoveAll(variable => $"{((Dictionary<object, object>)variable)["name"]}" is var name && (variables.ContainsKey(name) || secrets.ContainsKey(name)));
        environment.Add($"HELM-VARIABLES<{owner}>");
        _values.Add(new(owner, "environment", "More environment variables.", variables));
        _values.Add(new(owner, "secrets", "Environment variables whose values are in Secrets, each as SECRET/KEY.", secrets));
    }

    private void Move(object content, string path, string owner, string name, string what, string? value = null)
    {
        var dot = path.LastIndexOf('.');
        var (parent, key) = ((Dictionary<object, object>)Node(content, path[..dot]), path[(dot + 1)..]);
        _values.Add(new(owner, name, what, value ?? parent[key]));
        parent[key] = $"HELM<toJson .Values.{owner}.{name}>";
    }

    private static object Node(object content, string path) => path.Split('.').Aggregate(content, (node, step) =>
        node is List<object> list ? list[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)] : ((Dictionary<object, object>)node)[step]);

    private static Dictionary<string, object> Object(IEnumerable<KeyValuePair<string, object>> properties) =>
        new() { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties.ToDictionary() };

    private static object TypeOf(object value) => value switch
    {
        string => new { type = "string" },
        Dictionary<string, string> => new { type = "object", additionalProperties = new { type = "string" } },
        Dictionary<object, object> => new { type = "object" },
        _ => new { type = "integer" },
    };

    private static string Indent(string text) => LineStart().Replace(text, "  ");

    [GeneratedRegex("['\"]?HELM<([^>]+)>['\"]?")]
    private static partial Regex Fields();

    [GeneratedRegex("^( *)- ['\"]?HELM-VARIABLES<([^>]+)>['\"]?$", RegexOptions.Multiline)]
    private static partial Regex VariablesItem();

    [GeneratedRegex("^(?=.)", RegexOptions.Multiline)]
    private static partial Regex LineStart();

    /// <param name="Owner">Whose it is: the service's or the load balancer's.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="What">What it is.</param>
    /// <param name="Default">What the manifests have.</param>
    private sealed record Value(string Owner, string Name, string What, object Default);
}
