using System.Security.Cryptography;
using System.Text;
using ClusterAspire.LoadBalancer.Configuration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.LoadBalancer.Admin;

/// <summary>
/// The token that a client of the admin port must send: the configured one, or one that is created at each start if the port can be
/// reached from other machines and none is configured. A port on loopback needs none.
/// </summary>
internal sealed partial class AdminToken
{
    /// <summary>The cookie that a browser keeps it in.</summary>
    public const string Cookie = "clusteraspire-admin";

    /// <summary>The query parameter that a browser brings it by, once.</summary>
    public const string Query = "token";

    private readonly byte[]? _hash;

    /// <summary>Takes or makes the token, and says how to open the page with one that was made.</summary>
    public AdminToken(IOptions<LoadBalancerOptions> options, ILogger<AdminToken> logger)
    {
        // Compose passes an empty value if the environment has none.
        var token = options.Value.AdminToken is { Length: > 0 } given ? given : null;
        if (token is null && !options.Value.AdminUrl.IsLoopback)
        {
            token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            Log.Made(logger, options.Value.AdminUrl.Port, token);
        }

        _hash = token is null ? null : Hash(token);
    }

    /// <summary>Whether a request brings it, if one is needed.</summary>
    /// <param name="request">The request.</param>
    /// <param name="inQuery">Whether it is in the address, where it should not stay.</param>
    public bool IsKnownTo(HttpRequest request, out bool inQuery)
    {
        inQuery = false;
        if (_hash is null)
        {
            return true;
        }

        const string Scheme = "Bearer ";
        var authorization = request.Headers.Authorization.ToString();
        if (authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && Is(authorization[Scheme.Length..]))
        {
            return true;
        }

        inQuery = request.Query.TryGetValue(Query, out var token) && Is(token.ToString());
        return inQuery || (request.Cookies.TryGetValue(Cookie, out var cookie) && Is(cookie));
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    // Compares hashes, so that the time it takes reveals nothing about the token.
    private bool Is(string text) => CryptographicOperations.FixedTimeEquals(Hash(text.Trim()), _hash);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The admin port can be reached from other machines. Open the live page at http://<this machine>:{Port}/?token={Token} and send 'Authorization: Bearer' for the APIs; LoadBalancer:AdminToken sets a token that stays.")]
        public static partial void Made(ILogger logger, int port, string token);
    }
}
