using System.Buffers.Binary;

namespace ClusterAspire.Link;

/// <summary>What a frame says of its virtual connection.</summary>
internal enum FrameKind : byte
{
    /// <summary>It begins.</summary>
    Open = 1,

    /// <summary>Bytes of it follow: <see cref="Frame.Value"/> is how many.</summary>
    Data,

    /// <summary>So many more bytes may be sent.</summary>
    Credit,

    /// <summary>The sender sends no more; it still reads.</summary>
    End,

    /// <summary>It is over, both ways: <see cref="Frame.Value"/> is a <see cref="CloseReason"/>.</summary>
    Close,
}

/// <summary>The head of a frame: kind (1 byte), value (3 bytes), the virtual connection's number (4 bytes); little endian.</summary>
internal readonly record struct Frame(FrameKind Kind, int Value, uint Connection)
{
    /// <summary>How long the head is, in bytes.</summary>
    public const int HeadLength = 8;

    /// <summary>How many bytes one frame carries at most.</summary>
    public const int LongestData = 16 * 1024;

    /// <summary>How many bytes follow the head.</summary>
    public int DataLength => Kind is FrameKind.Data ? Value : 0;

    /// <summary>Reads a head.</summary>
    public static Frame Read(ReadOnlySpan<byte> head)
    {
        var first = BinaryPrimitives.ReadUInt32LittleEndian(head);
        return new((FrameKind)(first & 0xff), (int)(first >> 8), BinaryPrimitives.ReadUInt32LittleEndian(head[4..]));
    }

    /// <summary>Writes the head.</summary>
    public void Write(Span<byte> head)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)Kind | ((uint)Value << 8));
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], Connection);
    }
}
