using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>A certificate for <c>localhost</c> that nobody but the tests trusts.</summary>
internal static class LocalCertificate
{
    private const string Subject = "CN=localhost";

    /// <summary>Makes one, with its key.</summary>
    public static X509Certificate2 Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest(Subject, key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>Whether it is one.</summary>
    public static bool Is(X509Certificate? certificate) => certificate?.Subject == Subject;
}
