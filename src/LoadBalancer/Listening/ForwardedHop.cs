using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>What one proxy says in <c>Forwarded</c> of who sent it a request (RFC 7239).</summary>
/// <param name="For">Who; null when that is hidden or not said.</param>
/// <param name="Scheme">By <c>http</c> or <c>https</c>; null when that is not said.</param>
/// <param name="Host">What <c>Host</c> the request had; null when that is not said.</param>
internal sealed record ForwardedHop(IPEndPoint? For, string? Scheme, string? Host)
{
    private static readonly SearchValues<char> InHiddenNames = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    private static readonly SearchValues<char> NotInHosts = SearchValues.Create("/\\?#@ \t");

    /// <summary>Reads the header.</summary>
    /// <param name="header">Its value; of several lines all of them, with commas between.</param>
    /// <param name="hops">The client's proxy first, the nearest one last.</param>
    /// <returns>Whether it keeps to the rules; nothing is known of one that does not.</returns>
    public static bool TryParse(ReadOnlySpan<char> header, [NotNullWhen(true)] out IReadOnlyList<ForwardedHop>? hops)
    {
        hops = null;
        var found = new List<ForwardedHop>();
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var rest = header.Trim(); ;)
        {
            if (!TryReadPair(ref rest, parameters))
            {
                return false;
            }

            rest = rest.TrimStart();
            if (rest.IsEmpty || rest[0] is ',')
            {
                if (!TryMake(parameters, out var hop))
                {
                    return false;
                }

                if (parameters.Count > 0)
                {
                    found.Add(hop);
                    parameters.Clear();
                }

                if (rest.IsEmpty)
                {
                    hops = found;
                    return true;
                }
            }
            else if (rest[0] is not ';')
            {
                return false;
            }

            rest = rest[1..].TrimStart();
        }
    }

    // token "=" (token / quoted-string), or nothing. What is not quoted may have colons and brackets, as some proxies send them.
    private static bool TryReadPair(ref ReadOnlySpan<char> rest, Dictionary<string, string> parameters)
    {
        if (rest.IsEmpty || rest[0] is ',' or ';')
        {
            return true;
        }

        var equals = rest.IndexOf('=');
        if (equals < 1 || rest[..equals].ContainsAny(" \t,;\""))
        {
            return false;
        }

        var name = rest[..equals].ToString();
        rest = rest[(equals + 1)..];
        string value;
        if (rest is ['"', ..])
        {
            var text = new StringBuilder();
            var at = 1;
            for (; at < rest.Length && rest[at] is not '"'; at++)
            {
                at += rest[at] is '\\' ? 1 : 0;
                if (at < rest.Length)
                {
                    text.Append(rest[at]);
                }
            }

            if (at >= rest.Length)
            {
                return false;
            }

            value = text.ToString();
            rest = rest[(at + 1)..];
        }
        else
        {
            var end = rest.IndexOfAny(" \t,;\"");
            end = end < 0 ? rest.Length : end;
            value = rest[..end].ToString();
            rest = rest[end..];
        }

        return value.Length > 0 && parameters.TryAdd(name, value);
    }

    private static bool TryMake(Dictionary<string, string> parameters, [NotNullWhen(true)] out ForwardedHop? hop)
    {
        hop = null;
        IPEndPoint? client = null;
        if ((parameters.TryGetValue("for", out var node) && !TryReadNode(node, out client))
            || (parameters.TryGetValue("proto", out var scheme) && scheme.ToLowerInvariant() is not ("http" or "https"))
            || (parameters.TryGetValue("host", out var host) && !IsHost(host)))
        {
            return false;
        }

        hop = new(client, parameters.GetValueOrDefault("proto")?.ToLowerInvariant(), parameters.GetValueOrDefault("host"));
        return true;
    }

    // 192.0.2.43, 192.0.2.43:47011, [2001:db8::1], [2001:db8::1]:4711, unknown, _hidden; a port may be hidden too.
    private static bool TryReadNode(string node, out IPEndPoint? client)
    {
        client = null;
        var colon = node.LastIndexOf(':') is var last && last > node.LastIndexOf(']') ? last : -1;
        var (name, port) = colon < 0 ? (node, "") : (node[..colon], node[(colon + 1)..]);
        var number = 0;
        if (colon >= 0 && !IsHidden(port) && (port.Length is 0 or > 5 || !int.TryParse(port, NumberStyles.None, null, out number) || number > IPEndPoint.MaxPort))
        {
            return false;
        }

        if (name.Equals("unknown", StringComparison.OrdinalIgnoreCase) || IsHidden(name))
        {
            return true;
        }

        // IPv6 in brackets, IPv4 whole: no 10.1 for 10.0.0.1.
        var isSound = name is ['[', .., ']']
            ? IPAddress.TryParse(name.AsSpan(1, name.Length - 2), out var address) && address.AddressFamily is AddressFamily.InterNetworkV6
            : IPAddress.TryParse(name, out address) && address.ToString() == name && !name.Contains(':', StringComparison.Ordinal);
        client = isSound ? new(address!, number) : null;
        return isSound;
    }

    private static bool IsHidden(string name) => name is ['_', _, ..] && !name.AsSpan().ContainsAnyExcept(InHiddenNames);

    private static bool IsHost(string host) =>
        !host.AsSpan().ContainsAny(NotInHosts) && Uri.TryCreate($"http://{host}/", UriKind.Absolute, out var uri) && uri.Host.Length > 0;
}
