using System.Buffers.Binary;

namespace ClusterAspire.Link;

/// <summary>
/// The first bytes of each side of a link: 9 bytes that no HTTP request and no TLS handshake begins with, the version, and the port
/// of the replica's HTTP server (2 bytes, big endian).
/// </summary>
public static class Greeting
{
    /// <summary>The version of the link that this library speaks.</summary>
    public const int Version = 1;

    /// <summary>How long a greeting is, in bytes.</summary>
    public const int Length = 12;

    private static ReadOnlySpan<byte> Magic => "\0ClusterL"u8;

    /// <summary>Whether a connection that begins with these bytes is a link.</summary>
    public static bool IsBegunBy(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Magic);

    /// <summary>A greeting.</summary>
    /// <param name="port">The port of the replica's HTTP server.</param>
    public static byte[] Write(int port)
    {
        var greeting = new byte[Length];
        Magic.CopyTo(greeting);
        greeting[Magic.Length] = Version;
        BinaryPrimitives.WriteUInt16BigEndian(greeting.AsSpan(Magic.Length + 1), (ushort)port);
        return greeting;
    }

    /// <summary>Reads a greeting.</summary>
    /// <param name="bytes">Its <see cref="Length"/> bytes.</param>
    /// <param name="port">The port it is for.</param>
    /// <returns>Whether it is one, of this version.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out int port)
    {
        port = BinaryPrimitives.ReadUInt16BigEndian(bytes[(Magic.Length + 1)..]);
        return IsBegunBy(bytes) && bytes[Magic.Length] == Version;
    }
}
