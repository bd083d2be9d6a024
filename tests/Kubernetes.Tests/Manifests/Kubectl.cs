using System.Collections.Concurrent;
using System.ComponentModel;
using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Runs <c>kubectl kustomize</c>, as <c>kubectl apply -k</c> does.</summary>
internal static class Kubectl
{
    private static readonly ConcurrentDictionary<string, string> Rendered = new();

    private static readonly Lazy<bool> HasComponents = new(() =>
    {
        try
        {
            // Kustomize has components since 3.7; kubectl tells which one it has since 4.
            return TestProcess.Run("kubectl", "version", "--client", "--output=json") is (0, var version, _) && version.Contains("kustomizeVersion", StringComparison.Ordinal);
        }
        catch (Win32Exception)
        {
            return false;
        }
    });

    /// <summary>Renders a kustomization.</summary>
    /// <param name="directory">Its folder.</param>
    public static string Kustomize(string directory) => Rendered.GetOrAdd(directory, _ =>
    {
        Requires.That(HasComponents.Value, "A kubectl with Kustomize 4 or later (1.24) is not on the PATH.");
        var (exitCode, output, error) = TestProcess.Run("kubectl", "kustomize", directory);
        Assert.True(exitCode == 0, error);
        // Deprecations are said there.
        Assert.Empty(error);
        return output;
    });
}
