using System.Buffers;
using System.Text;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>
/// Header text as bytes and back. A field value is opaque bytes (RFC 9110, 5.5): each is one character of Latin-1, on
/// the way in and on the way out, so that whatever encoding it is in, it is passed on as it came.
/// </summary>
internal static class Latin1Text
{
    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    // All control characters but the tab.
    private static readonly SearchValues<byte> ControlBytes =
        SearchValues.Create([.. Enumerable.Range(0, 32).Where(b => b != '\t').Select(b => (byte)b), 127]);

    private static readonly SearchValues<char> ControlCharacters =
        SearchValues.Create([.. Enumerable.Range(0, 32).Where(c => c != '\t').Select(c => (char)c), '\x7f']);

    // Header names that replicas send often, by hash. A collision only costs a new string.
    private static readonly string?[] Names = new string?[512];

    /// <summary>Whether it is a token (RFC 9110, 5.6.2), as names of fields and methods are.</summary>
    public static bool IsToken(ReadOnlySpan<byte> bytes) => bytes.Length > 0 && !bytes.ContainsAnyExcept(TokenBytes);

    /// <summary>Whether it may be a field value: no control characters but the tab.</summary>
    public static bool IsValue(ReadOnlySpan<byte> bytes) => !bytes.ContainsAny(ControlBytes);

    /// <summary>Whether it can be written as a field value: Latin-1 without control characters.</summary>
    public static bool IsValue(ReadOnlySpan<char> text) => !text.ContainsAny(ControlCharacters) && !text.ContainsAnyExceptInRange('\0', '\xff');

    /// <summary>The text of a field's name.</summary>
    public static string Name(ReadOnlySpan<byte> bytes)
    {
        ref var slot = ref Names[((bytes.Length * 37) + (bytes[0] * 11) + (bytes[^1] * 3) + bytes[bytes.Length / 2]) % Names.Length];
        var known = slot;
        return known is not null && Ascii.Equals(bytes, known) ? known : slot = Encoding.ASCII.GetString(bytes);
    }

    /// <summary>The text of a field's value.</summary>
    public static string Value(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>Without spaces and tabs at its ends.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> bytes) => bytes.Trim(" \t"u8);

    /// <summary>Whether it is a text, whatever the case of its letters.</summary>
    public static bool Is(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> text) => Ascii.EqualsIgnoreCase(bytes, text);
}
