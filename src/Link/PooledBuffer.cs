using System.Buffers;

namespace ClusterAspire.Link;

/// <summary>Bytes that wait to be read or sent, in an array of the pool; without any there is no array. Not safe for several threads.</summary>
public sealed class PooledBuffer
{
    private const int SmallestArray = 4096;

    private byte[] _array = [];
    private int _start;
    private int _end;

    /// <summary>How many bytes wait.</summary>
    public int Length => _end - _start;

    /// <summary>The bytes that wait; good until they are taken, or more are added.</summary>
    public ReadOnlyMemory<byte> Bytes => _array.AsMemory(_start, Length);

    /// <summary>Room behind them.</summary>
    /// <param name="least">How many bytes at least.</param>
    public Memory<byte> Room(int least)
    {
        if (_array.Length - _end < least)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(SmallestArray, Length == 0 ? least : (Length + least) * 2));
            var length = Length;
            Bytes.CopyTo(larger);
            Clear();
            (_array, _end) = (larger, length);
        }

        return _array.AsMemory(_end);
    }

    /// <summary>So many bytes were written to the room.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There was less room.</exception>
    public void Add(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(_array.Length - _end));
        _end += bytes;
    }

    /// <summary>So many bytes, the first, wait no longer.</summary>
    public void Take(int bytes)
    {
        _start += bytes;
        ClearIfEmpty();
    }

    /// <summary>Gives the array back if nothing waits: room that was not used.</summary>
    public void ClearIfEmpty()
    {
        if (Length == 0)
        {
            Clear();
        }
    }

    /// <summary>Nothing waits any more.</summary>
    public void Clear()
    {
        if (_array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_array);
        }

        (_array, _start, _end) = ([], 0, 0);
    }
}
