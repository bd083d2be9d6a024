using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>An address of <see cref="LoadBalancerOptions.Listen"/>, written as Kestrel writes its URLs.</summary>
/// <param name="Text">As it was given.</param>
/// <param name="Binding">What it says.</param>
internal sealed record ListenAddress(string Text, BindingAddress Binding)
{
    private const string DescriptorHost = "fd";

    // Descriptors 0 to 2 are standard input, output and error.
    private const int FirstDescriptor = 3;

    /// <summary>Whether clients speak TLS there.</summary>
    public bool IsHttps => Binding.Scheme.Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase);

    /// <summary>The descriptor of a socket that listens already, handed to this process: systemd's, say; else null.</summary>
    public int? Descriptor => Binding.Host.Equals(DescriptorHost, StringComparison.OrdinalIgnoreCase) ? Binding.Port : null;

    /// <summary>The path of a Unix domain socket, or null.</summary>
    public string? SocketPath => Binding.IsUnixPipe ? Binding.UnixPipePath : null;

    /// <summary>Reads an address.</summary>
    /// <param name="text">Such as <c>http://*:80</c>, <c>https://shop.example:443</c>, <c>http://unix:/run/shop.sock</c> or <c>http://fd:3</c>.</param>
    /// <param name="address">The address.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenAddress? address)
    {
        address = null;
        try
        {
            var binding = BindingAddress.Parse(text);
            var read = new ListenAddress(text, binding);
            var isSound = (read.IsHttps || binding.Scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase))
                && binding.PathBase is ""
                && !binding.IsNamedPipe
                && (read.Descriptor is null or >= FirstDescriptor)
                && (read.SocketPath is not null || binding.Port is > 0 and <= 65535);
            address = isSound ? read : null;
            return isSound;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>Whether who listens there listens at another address's port on this machine's loopback too.</summary>
    public bool Covers(Uri url) =>
        SocketPath is null && Descriptor is null && Binding.Port == url.Port
        && (Binding.Host is "*" or "+" or "0.0.0.0" or "[::]" || Binding.Host.Equals(url.Host, StringComparison.OrdinalIgnoreCase));

    /// <summary>As an URL, which <c>*</c> and <c>+</c> are not.</summary>
    public Uri Url => new(string.Create(CultureInfo.InvariantCulture, $"{Binding.Scheme}://{(Binding.Host is "*" or "+" ? "[::]" : Binding.Host)}:{Binding.Port}"));
}
