using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Contract;

/// <summary>An address where clients connect, written as Kestrel writes its URLs.</summary>
/// <param name="Text">As it was given.</param>
/// <param name="IsHttps">Whether clients speak TLS there.</param>
/// <param name="Host">A name, an IP address, or <c>*</c> or <c>+</c> for all; empty for a Unix domain socket.</param>
/// <param name="Port">The TCP port.</param>
/// <param name="SocketPath">The path of a Unix domain socket, or null.</param>
public sealed record ListenAddress(string Text, bool IsHttps, string Host, int Port, string? SocketPath)
{
    private const string DescriptorHost = "fd";
    private const string SocketPrefix = "unix:/";

    // As many as Kestrel lets wait.
    private const int Backlog = 512;

    // Those before it are standard input, output and error.
    private const int FirstDescriptor = 3;

    /// <summary>The descriptor of a socket that listens already, handed to this process: systemd's, say; else null.</summary>
    public int? Descriptor => Host.Equals(DescriptorHost, StringComparison.OrdinalIgnoreCase) ? Port : null;

    /// <summary>Whether it is every address of this machine.</summary>
    public bool IsAny => Host is "*" or "+" or "0.0.0.0" or "[::]";

    /// <summary>As an URL, which <c>*</c> and <c>+</c> are not.</summary>
    public Uri Url => new(string.Create(CultureInfo.InvariantCulture, $"{(IsHttps ? Uri.UriSchemeHttps : Uri.UriSchemeHttp)}://{(Host is "*" or "+" ? "[::]" : Host)}:{Port}"));

    /// <summary>Reads an address.</summary>
    /// <param name="text">Such as <c>http://*:80</c>, <c>https://shop.example:443</c>, <c>http://unix:/run/shop.sock</c> or <c>http://fd:3</c>.</param>
    /// <param name="address">The address.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenAddress? address)
    {
        address = null;
        var isHttps = text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
        if (!isHttps && !text.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var rest = text[(text.IndexOf("://", StringComparison.Ordinal) + 3)..];
        if (rest.StartsWith(SocketPrefix, StringComparison.OrdinalIgnoreCase))
        {
            // On Windows the path begins after the slash: unix:/c:/….
            var path = rest[(OperatingSystem.IsWindows() ? SocketPrefix.Length : SocketPrefix.Length - 1)..];
            address = new(text, isHttps, "", 0, path);
            return path.Length > 1;
        }

        rest = rest.EndsWith('/') ? rest[..^1] : rest;
        var colon = rest.LastIndexOf(':') is var last && last > rest.LastIndexOf(']') ? last : -1;
        var host = colon < 0 ? rest : rest[..colon];
        var port = isHttps ? 443 : 80;
        if ((colon >= 0 && !int.TryParse(rest.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)) || port is < 1 or > 65535)
        {
            return false;
        }

        var read = new ListenAddress(text, isHttps, host, port, null);
        if (read.Descriptor < FirstDescriptor || (!read.IsAny && !Uri.TryCreate($"http://{host}:{port}", UriKind.Absolute, out _)) || host.AsSpan().ContainsAny("/@?#"))
        {
            return false;
        }

        address = read;
        return true;
    }

    /// <summary>Whether who listens there listens at another address's port on this machine's loopback too.</summary>
    /// <param name="url">The other address.</param>
    public bool Covers(Uri url) =>
        SocketPath is null && Descriptor is null && Port == url.Port && (IsAny || Host.Equals(url.Host, StringComparison.OrdinalIgnoreCase));

    /// <summary>What is to be listened at; nothing for a <see cref="Descriptor"/>, which listens.</summary>
    /// <exception cref="SocketException">The name stands for no address.</exception>
    public IEnumerable<EndPoint> EndPoints() =>
        SocketPath is not null ? [new UnixDomainSocketEndPoint(SocketPath)]
        : Descriptor is not null ? []
        : Host is "0.0.0.0" ? [new IPEndPoint(IPAddress.Any, Port)]
        // Both families, and on machines without IPv6 the one they have.
        : IsAny ? [new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, Port)]
        : IPAddress.TryParse(Url.DnsSafeHost, out var address) ? [new IPEndPoint(address, Port)]
        : Url.IsLoopback ? [new IPEndPoint(IPAddress.Loopback, Port), new IPEndPoint(IPAddress.IPv6Loopback, Port)]
        : Dns.GetHostAddresses(Url.IdnHost).Distinct().Select(each => new IPEndPoint(each, Port));

    /// <summary>Listens at one of the <see cref="EndPoints"/>.</summary>
    /// <exception cref="SocketException">It cannot be listened at.</exception>
    public static Socket Listen(EndPoint endPoint)
    {
        var isNetwork = endPoint is IPEndPoint;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isNetwork ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            if (endPoint is IPEndPoint { Address: var any } && any.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }
            else if (!isNetwork)
            {
                RemoveLeftBehind($"{endPoint}");
            }

            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Removes a Unix domain socket that one who was killed has left; where somebody listens, that is for who listens next to find.</summary>
    /// <param name="path">The socket's path.</param>
    public static void RemoveLeftBehind(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
        {
            File.Delete(path);
        }
        catch (SocketException)
        {
            // Not there, or not for this user.
        }
    }
}
