using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ClusterAspire.Bench;

/// <summary>The certificate that every balancer shows: of its own making, as PEM.</summary>
/// <param name="Certificate">The certificate's file.</param>
/// <param name="Key">Its key's file.</param>
/// <param name="Both">One file with both, as HAProxy wants it.</param>
internal sealed record ServerCertificate(string Certificate, string Key, string Both)
{
    /// <summary>Makes one.</summary>
    /// <param name="folder">Where its files go.</param>
    public static async Task<ServerCertificate> CreateAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

        var files = new ServerCertificate(Path.Combine(folder, "cert.pem"), Path.Combine(folder, "key.pem"), Path.Combine(folder, "both.pem"));
        var (publicPart, privatePart) = (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
        await File.WriteAllTextAsync(files.Certificate, publicPart);
        await File.WriteAllTextAsync(files.Key, privatePart);
        await File.WriteAllTextAsync(files.Both, publicPart + privatePart);
        return files;
    }
}
