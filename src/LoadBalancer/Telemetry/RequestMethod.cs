using System.Collections.Frozen;

namespace ClusterAspire.LoadBalancer.Telemetry;

/// <summary>What telemetry calls a request's method.</summary>
internal static class RequestMethod
{
    /// <summary>Every method that is not a known one, for anybody can make up as many as he likes.</summary>
    public const string Other = "_OTHER";

    // OpenTelemetry's semantic conventions for HTTP: RFC 9110, RFC 5789 and QUERY.
    private static readonly FrozenSet<string> Known =
        FrozenSet.Create("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY");

    /// <summary>The value of the attribute <c>http.request.method</c>.</summary>
    public static string Of(string method) => Known.Contains(method) ? method : Other;

    /// <inheritdoc cref="Of(string)"/>
    public static string Of(HttpRequest request) => Of(request.Method);
}
