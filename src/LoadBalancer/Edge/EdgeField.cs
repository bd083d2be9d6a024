using ClusterAspire.LoadBalancer.Forwarding.Http1;

namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>What becomes of a header field at the edge.</summary>
internal enum EdgeFieldKind
{
    /// <summary>It is passed on.</summary>
    Plain,

    /// <summary>The request is not for the edge.</summary>
    Odd,

    /// <summary>The balancer says it itself, or nobody may.</summary>
    Replaced,

    /// <summary><c>Host</c>.</summary>
    Host,

    /// <summary><c>Cookie</c>.</summary>
    Cookie,

    /// <summary><c>Connection</c>.</summary>
    Connection,

    /// <summary><c>Content-Length</c>.</summary>
    ContentLength,

    /// <summary><c>traceparent</c>.</summary>
    TraceParent,

    /// <summary><c>tracestate</c>.</summary>
    TraceState,

    /// <summary><c>User-Agent</c>.</summary>
    UserAgent,
}

/// <summary>Knows the header fields that are not simply passed on.</summary>
internal static class EdgeField
{
    private static readonly string[] Odd =
    [
        "TE", "ALPN", "Close", "Expect", "Alt-Svc", "Trailer", "Upgrade", "Keep-Alive", "HTTP2-Settings", "Security-Scheme", "Transfer-Encoding", "Upgrade-Insecure-Requests",
        "Proxy-Features", "Proxy-Connection", "Proxy-Instruction", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info",
    ];

    private static readonly string[] Replaced =
    [
        "Forwarded", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Server",
    ];

    private static readonly (byte[] Name, EdgeFieldKind Kind)[][] ByLength = Sorted(
        ("Host", EdgeFieldKind.Host),
        ("Cookie", EdgeFieldKind.Cookie),
        ("Connection", EdgeFieldKind.Connection),
        ("Content-Length", EdgeFieldKind.ContentLength),
        ("traceparent", EdgeFieldKind.TraceParent),
        ("tracestate", EdgeFieldKind.TraceState),
        ("User-Agent", EdgeFieldKind.UserAgent));

    /// <summary>What becomes of a field of a request.</summary>
    public static EdgeFieldKind Of(ReadOnlySpan<byte> name)
    {
        if (name.Length < ByLength.Length)
        {
            foreach (var (known, kind) in ByLength[name.Length])
            {
                if (Latin1Text.Is(name, known))
                {
                    return kind;
                }
            }
        }

        return EdgeFieldKind.Plain;
    }

    /// <summary>Whether a field of a response belongs to the connection or to a proxy, and ends here, as in YARP.</summary>
    public static bool EndsHere(ReadOnlySpan<byte> name) => Of(name) is EdgeFieldKind.Odd && !Latin1Text.Is(name, "Expect"u8) && !Latin1Text.Is(name, "Trailer"u8);

    private static (byte[] Name, EdgeFieldKind Kind)[][] Sorted(params (string Name, EdgeFieldKind Kind)[] others)
    {
        (string Name, EdgeFieldKind Kind)[] all =
        [
            .. Odd.Select(name => (name, EdgeFieldKind.Odd)),
            .. Replaced.Select(name => (name, EdgeFieldKind.Replaced)),
            .. others,
        ];
        return
        [
            .. Enumerable.Range(0, all.Max(field => field.Name.Length) + 1)
                .Select(length => all.Where(field => field.Name.Length == length).Select(field => (System.Text.Encoding.ASCII.GetBytes(field.Name), field.Kind)).ToArray()),
        ];
    }
}
