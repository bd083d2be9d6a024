using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.HttpsPolicy;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// The first steps for a request of the public ports: forwarded headers of trusted proxies, and the redirect to HTTPS if it is
/// configured.
/// </summary>
internal sealed class PublicPortFilter(IOptions<LoadBalancerOptions> options) : IStartupFilter, IConfigureOptions<ForwardedHeadersOptions>, IConfigureOptions<HttpsRedirectionOptions>, IConfigureOptions<HstsOptions>
{
    /// <inheritdoc/>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        var (trusts, redirects, hsts) = (options.Value.TrustedProxies.Count > 0, options.Value.HttpsRedirect, options.Value.HstsDays > 0);
        if (trusts || redirects || hsts)
        {
            app.UseWhen(context => context.Connection.LocalPort != options.Value.AdminUrl.Port, clients =>
            {
                if (trusts)
                {
                    clients.UseMiddleware<ForwardedMiddleware>();
                    clients.UseForwardedHeaders();
                }

                if (redirects)
                {
                    clients.UseHttpsRedirection();
                }

                if (hsts)
                {
                    clients.UseHsts();
                }
            });
        }

        next(app);
    };

    /// <inheritdoc/>
    public void Configure(ForwardedHeadersOptions forwarded)
    {
        forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
        // No limit to the number of proxies, as each must be trusted.
        forwarded.ForwardLimit = null;
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var proxy in options.Value.TrustedProxies)
        {
            forwarded.KnownIPNetworks.Add(TrustedProxy.Parse(proxy));
        }
    }

    /// <inheritdoc/>
    public void Configure(HttpsRedirectionOptions redirection) =>
        redirection.HttpsPort = options.Value.ListenAddresses.FirstOrDefault(address => address is { IsHttps: true, Descriptor: null, SocketPath: null })?.Port ?? 443;

    /// <inheritdoc/>
    public void Configure(HstsOptions hsts) => hsts.MaxAge = TimeSpan.FromDays(options.Value.HstsDays);
}
