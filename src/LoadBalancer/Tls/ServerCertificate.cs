using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Tls;

/// <summary>
/// The certificate of Kestrel's keys <c>Kestrel:Certificates:Default:Path</c>, <c>KeyPath</c> and <c>Password</c>, read again
/// when its files change.
/// </summary>
/// <remarks>Kestrel itself reads it again for endpoints of its configuration only, and closes and opens their sockets for it.</remarks>
internal sealed partial class ServerCertificate : IDisposable
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "Kestrel:Certificates:Default";

    // The files are read at intervals and not watched, because switching a link or mounting a folder raises no event of the file.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly string _path;
    private readonly string? _keyPath;
    private readonly string? _password;
    private readonly ILogger<ServerCertificate> _logger;
    private readonly ITimer _timer;
    private byte[] _hash;
    private SslStreamCertificateContext _current;

    /// <param name="configuration">Where the section is looked up.</param>
    /// <param name="root">The folder that relative paths are relative to.</param>
    /// <param name="time">How waiting is done.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="OptionsValidationException">The files cannot be read, or are no certificate with its key.</exception>
    public ServerCertificate(IConfiguration configuration, string root, TimeProvider time, ILogger<ServerCertificate> logger)
    {
        var section = configuration.GetSection(Section);
        _path = Path.Combine(root, section["Path"]!);
        _keyPath = section["KeyPath"] is { Length: > 0 } keyPath ? Path.Combine(root, keyPath) : null;
        (_password, _logger) = (section["Password"], logger);
        try
        {
            (_hash, _current) = (Hash(), Read());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new OptionsValidationException(Section, typeof(ServerCertificate), [$"{Section}:Path {_path} cannot be used: {e.Message.TrimEnd('.')}. Name a PEM file and, in KeyPath, its key's, or a PFX file and its Password."]);
        }

        _timer = time.CreateTimer(_ => ReadAgain(), null, Interval, Interval);
    }

    /// <summary>The certificate, with those of its issuers that the file has.</summary>
    public SslStreamCertificateContext Current => Volatile.Read(ref _current);

    /// <summary>Whether the configuration names a file.</summary>
    public static bool IsConfigured(IConfiguration configuration) => configuration[$"{Section}:Path"] is { Length: > 0 };

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void ReadAgain()
    {
        try
        {
            var hash = Hash();
            if (!hash.AsSpan().SequenceEqual(_hash))
            {
                // A file that was incomplete is read again, because its hash changes.
                _hash = hash;
                Volatile.Write(ref _current, Read());
                Log.Changed(_logger, _path, Current.TargetCertificate.Subject, Current.TargetCertificate.NotAfter.ToUniversalTime());
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            Log.Unusable(_logger, _path, e.Message);
        }
    }

    private byte[] Hash() => SHA256.HashData((byte[])[.. File.ReadAllBytes(_path), .. _keyPath is null ? [] : File.ReadAllBytes(_keyPath)]);

    private SslStreamCertificateContext Read()
    {
        if (X509Certificate2.GetCertContentType(_path) is X509ContentType.Pfx)
        {
            var all = X509CertificateLoader.LoadPkcs12CollectionFromFile(_path, _password);
            var own = all.First(certificate => certificate.HasPrivateKey);
            return SslStreamCertificateContext.Create(own, [.. all.Where(certificate => certificate != own)], offline: true);
        }

        using var read = _password is { Length: > 0 }
            ? X509Certificate2.CreateFromEncryptedPemFile(_path, _password, _keyPath)
            : X509Certificate2.CreateFromPemFile(_path, _keyPath);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_path);
        // The key is imported again, because TLS on Windows does not accept a key that exists only in memory.
        return SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null), [.. chain.Skip(1)], offline: true);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Path} has changed: new connections get the certificate of {Subject}, good until {NotAfter:u}.")]
        public static partial void Changed(ILogger logger, string path, string subject, DateTime notAfter);

        [LoggerMessage(LogLevel.Warning, "{Path} has changed and cannot be used, so the certificate of before is used on: {Reason}")]
        public static partial void Unusable(ILogger logger, string path, string reason);
    }
}
