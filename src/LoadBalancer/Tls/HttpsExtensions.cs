using System.Net.Quic;
using System.Net.Security;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace ClusterAspire.LoadBalancer.Tls;

/// <summary>HTTPS for clients.</summary>
internal static class HttpsExtensions
{
    /// <summary>Adds the certificate.</summary>
    public static void AddServerCertificate(this IServiceCollection services) =>
        services.AddSingleton(provider => new ServerCertificate(
            provider.GetRequiredService<IConfiguration>(),
            provider.GetRequiredService<IHostEnvironment>().ContentRootPath,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ServerCertificate>>()));

    /// <summary>Speaks HTTP/1.1 and HTTP/2 over TLS, and HTTP/3 where this machine has QUIC.</summary>
    public static void UseClientHttps(this ListenOptions listen)
    {
        listen.Protocols = (OperatingSystem.IsLinux() || OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) && QuicListener.IsSupported
            ? HttpProtocols.Http1AndHttp2AndHttp3
            : HttpProtocols.Http1AndHttp2;
        var services = listen.ApplicationServices;
        if (!ServerCertificate.IsConfigured(services.GetRequiredService<IConfiguration>()))
        {
            // Kestrel knows others: of a store, and in development its own.
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
