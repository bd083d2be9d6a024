using System.Net.Quic;
using System.Net.Security;
using ClusterAspire.LoadBalancer.Transport;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Tls;

/// <summary>HTTPS for clients.</summary>
internal static class HttpsExtensions
{
    private const string NoCertificate =
        $"HTTPS needs a certificate: name a PEM file by {ServerCertificate.Section}:Path and its key's by KeyPath, or a PFX file and its Password.";

    /// <summary>Adds the certificate.</summary>
    public static void AddServerCertificate(this IServiceCollection services) =>
        services.AddSingleton(provider => new ServerCertificate(
            provider.GetRequiredService<IConfiguration>(),
            provider.GetRequiredService<IHostEnvironment>().ContentRootPath,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ServerCertificate>>()));

    /// <summary>Speaks HTTP/1.1 and HTTP/2 over TLS, and HTTP/3 where this machine has QUIC.</summary>
    /// <exception cref="OptionsValidationException">No certificate is configured, or it cannot be read.</exception>
    public static void UseClientHttps(this ListenOptions listen)
    {
        listen.Protocols = (OperatingSystem.IsLinux() || OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) && QuicListener.IsSupported
            ? HttpProtocols.Http1AndHttp2AndHttp3
            : HttpProtocols.Http1AndHttp2;
        // Before Kestrel decrypts.
        listen.Use(next => connection =>
        {
            if (connection is EventLoopConnection loop)
            {
                TlsRecords records = new(loop.Transport.Input);
                loop.Transport = new DuplexPipe(records, loop.Transport.Output);
                loop.Features.Set(records);
            }

            return next(connection);
        });
        var services = listen.ApplicationServices;
        var configuration = services.GetRequiredService<IConfiguration>();
        if (!ServerCertificate.IsConfigured(configuration))
        {
            if (!configuration.GetSection(ServerCertificate.Section).Exists() && !services.GetRequiredService<IHostEnvironment>().IsDevelopment())
            {
                throw new OptionsValidationException(ServerCertificate.Section, typeof(ServerCertificate), [NoCertificate]);
            }

            // Kestrel finds other certificates itself: in a store, and in development the developer's.
            listen.UseHttps();
            return;
        }

        var certificate = services.GetRequiredService<ServerCertificate>();
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => new(new SslServerAuthenticationOptions { ServerCertificateContext = certificate.Current }),
        });
    }
}
