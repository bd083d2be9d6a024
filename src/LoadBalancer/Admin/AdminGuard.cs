using System.Net;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Admin;

/// <summary>
/// Protects the admin port from foreign web pages, whose scripts could reach it through a browser on this machine.
/// </summary>
/// <remarks>
/// A page whose name is rebound to this machine's address sends its own name as Host; one that calls from elsewhere sends its
/// Origin and, in today's browsers, Sec-Fetch-Site (W3C Fetch Metadata). Programs send neither and are let through.
/// </remarks>
internal sealed class AdminGuard(RequestDelegate next, IOptions<LoadBalancerOptions> options, AdminToken token)
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

    private readonly int _port = options.Value.AdminUrl.Port;

    /// <summary>Handles a request of either port.</summary>
    public Task InvokeAsync(HttpContext context) =>
        context.Connection.LocalPort == _port ? GuardAsync(context) : next(context);

    private Task GuardAsync(HttpContext context)
    {
        var (request, headers) = (context.Request, context.Response.Headers);
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";

        if (!IsAllowedHost(context))
        {
            return RefuseAsync(context, StatusCodes.Status421MisdirectedRequest, $"The admin port does not answer for the name {request.Host.Host}; LoadBalancer:AdminHosts lists the names it does.");
        }

        if (IsForeign(request))
        {
            return RefuseAsync(context, StatusCodes.Status403Forbidden, "The admin port does not answer to pages of other origins.");
        }

        if (!token.IsKnownTo(request, out var inQuery))
        {
            headers.WWWAuthenticate = "Bearer";
            return RefuseAsync(context, StatusCodes.Status401Unauthorized, "The admin port needs its token: Authorization: Bearer TOKEN, or /?token=TOKEN in a browser. It is LoadBalancer:AdminToken, or in the load balancer's log.");
        }

        if (inQuery && HttpMethods.IsGet(request.Method))
        {
            // The token is removed from the address bar, so that it is not copied with the address.
            context.Response.Cookies.Append(AdminToken.Cookie, request.Query[AdminToken.Query].ToString(), new() { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/" });
            context.Response.Redirect(request.Path.Value is { Length: > 0 } path ? path : "/");
            return Task.CompletedTask;
        }

        return next(context);
    }

    private static Task RefuseAsync(HttpContext context, int status, string detail) =>
        Results.Problem(detail, statusCode: status).ExecuteAsync(context);

    private bool IsAllowedHost(HttpContext context)
    {
        var host = context.Request.Host.Host;
        if (host.Length == 0
            || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || host.Equals(options.Value.AdminUrl.Host, StringComparison.OrdinalIgnoreCase)
            || options.Value.AdminHosts.Contains(host, StringComparer.OrdinalIgnoreCase))
        {
            return true;
        }

        // The address of the connection is allowed: no foreign page can use it as its host name.
        return IPAddress.TryParse(host, out var address)
            && (IPAddress.IsLoopback(address) || (context.Connection.LocalIpAddress is { } local && address.MapToIPv6().Equals(local.MapToIPv6())));
    }

    private static bool IsForeign(HttpRequest request)
    {
        if (request.Headers.Origin is [var origin, ..])
        {
            return !Uri.TryCreate(origin, UriKind.Absolute, out var from)
                || !from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
        }

        // Following a link to the page is allowed from anywhere.
        return request.Headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site"
            && !(HttpMethods.IsGet(request.Method) && request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document");
    }
}
