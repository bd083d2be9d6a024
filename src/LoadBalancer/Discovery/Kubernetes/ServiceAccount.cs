using System.Globalization;

namespace ClusterAspire.LoadBalancer.Discovery.Kubernetes;

/// <summary>What a pod finds of its service account: who it is, and where the cluster's API is.</summary>
/// <remarks>The files and variables are those that the kubelet gives every pod (Kubernetes: Accessing the API from a Pod).</remarks>
internal static class ServiceAccount
{
    /// <summary>Where the kubelet mounts the account.</summary>
    public const string Directory = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>The certificates of the authorities that the API's own is signed by.</summary>
    public const string AuthoritiesFile = $"{Directory}/ca.crt";

    private const string TokenFile = $"{Directory}/token";
    private const string NamespaceFile = $"{Directory}/namespace";

    /// <summary>Whether this process is in a pod that may speak for an account.</summary>
    public static bool IsMounted => Server is not null && File.Exists(TokenFile) && File.Exists(AuthoritiesFile) && File.Exists(NamespaceFile);

    /// <summary>The namespace the pod is in.</summary>
    public static string Namespace => File.ReadAllText(NamespaceFile).Trim();

    /// <summary>The token, read each time: the kubelet replaces it before it expires.</summary>
    public static string Token => File.ReadAllText(TokenFile).Trim();

    /// <summary>The API's address, or null outside a cluster.</summary>
    public static Uri? Server =>
        Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 } host
        && int.TryParse(Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT"), CultureInfo.InvariantCulture, out var port)
            ? new UriBuilder(Uri.UriSchemeHttps, host, port).Uri
            : null;
}
