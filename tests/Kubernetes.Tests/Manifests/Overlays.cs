using System.Text.RegularExpressions;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>What can be applied: the kustomizations there are, and what the comments in them offer.</summary>
internal static partial class Overlays
{
    private const string Production = "k8s/overlays/production";
    private const string With = " with ";
    private const string Ingress = "ingress";
    private const string Gateway = "gateway";

    private static readonly string ProductionText = File.ReadAllText(Path.Combine(Repository.Root, Production, "kustomization.yaml"));

    /// <summary>The components that production's comments offer.</summary>
    public static IReadOnlyList<string> Offered { get; } = [.. Commented().Matches(ProductionText).Select(match => match.Groups["name"].Value)];

    /// <summary>Every kustomization, and production with each of what its comments offer, each two of it and all of it.</summary>
    public static IEnumerable<string> All =>
    [
        "k8s",
        "k8s/base",
        "k8s/overlays/exclusive-cores",
        "k8s/overlays/dashboard",
        Production,
        .. from first in Offered
           from second in Offered
           where string.CompareOrdinal(first, second) <= 0
           select Production + With + (first == second ? first : $"{first} {second}"),
        Production + With + string.Join(" ", Offered),
    ];

    /// <summary>Whether a kustomization has a component.</summary>
    public static bool Has(string kustomization, string component) =>
        kustomization.Split(' ', '/').Contains(component);

    /// <summary>Renders one of them.</summary>
    public static string Render(string kustomization)
    {
        if (kustomization.Split(With) is not [var overlay, var chosen])
        {
            return Kubectl.Kustomize(Path.Combine(Repository.Root, kustomization));
        }

        var text = ProductionText;
        foreach (var component in chosen.Split(' '))
        {
            text = text.Replace($"  # - ../../components/{component}\n", $"  - ../../components/{component}\n", StringComparison.Ordinal);
            if (component is Gateway)
            {
                text = text.Replace($"  - ../../components/{Ingress}\n", "", StringComparison.Ordinal);
            }
        }

        var directory = Directory.CreateTempSubdirectory("clusteraspire-overlay-").FullName;
        try
        {
            var up = Path.GetRelativePath(directory, Path.Combine(Repository.Root, "k8s"));
            File.WriteAllText(Path.Combine(directory, "kustomization.yaml"), text.Replace("../..", up, StringComparison.Ordinal));
            return Kubectl.Kustomize(directory);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [GeneratedRegex(@"^  # - \.\./\.\./components/(?<name>\S+)$", RegexOptions.Multiline)]
    private static partial Regex Commented();
}
