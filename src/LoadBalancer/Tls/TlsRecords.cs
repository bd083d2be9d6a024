using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ClusterAspire.LoadBalancer.Tls;

/// <summary>What a client sends over TLS, one whole record after the other, so that who decrypts one never waits for its rest.</summary>
/// <param name="inner">The connection's input.</param>
internal sealed class TlsRecords(PipeReader inner) : PipeReader
{
    // Type, version and length; the types from change_cipher_spec to heartbeat; what a record may hold (RFC 5246, 6.2).
    private const int HeaderLength = 5;
    private const byte FirstType = 20;
    private const byte LastType = 24;
    private const byte MajorVersion = 3;
    private const int LongestFragment = (16 * 1024) + 2048;

    private ReadOnlySequence<byte> _given;

    // How much of a record that is being read is left, in bytes.
    private long _left;

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var read = inner.ReadAsync(cancellationToken);
        if (!read.IsCompletedSuccessfully)
        {
            return WaitAsync(read, cancellationToken);
        }

        var result = read.Result;
        return IsNext(ref result) ? new(result) : WaitAsync(inner.ReadAsync(cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result) => inner.TryRead(out result) && IsNext(ref result);

    /// <summary>Waits until something has come, for <see cref="HasNext"/> to look at.</summary>
    public ValueTask<ReadResult> ArrivesAsync() => inner.ReadAsync();

    /// <summary>Whether a whole record has come, or the end. It stays unread.</summary>
    /// <param name="arrived">What <see cref="ArrivesAsync"/> brought.</param>
    public bool HasNext(ReadResult arrived)
    {
        if (!IsNext(ref arrived))
        {
            return false;
        }

        AdvanceTo(_given.Start);
        return true;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _left -= _given.Slice(_given.Start, consumed).Length;
        _given = default;
        inner.AdvanceTo(consumed, examined);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => inner.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await read;
            if (IsNext(ref result))
            {
                return result;
            }

            read = inner.ReadAsync(cancellationToken);
        }
    }

    /// <summary>Limits what was read to one record.</summary>
    /// <returns>Whether there is a whole one; if not, more must be read first.</returns>
    private bool IsNext(ref ReadResult result)
    {
        var buffer = result.Buffer;
        if (_left == 0)
        {
            var length = RecordLength(buffer);
            if (length > buffer.Length && !result.IsCompleted)
            {
                if (!result.IsCanceled)
                {
                    inner.AdvanceTo(buffer.Start, buffer.End);
                    return false;
                }

                length = 0;
            }

            _left = Math.Min(length, buffer.Length);
        }

        _given = buffer.Slice(0, Math.Min(_left, buffer.Length));
        result = new(_given, result.IsCanceled, result.IsCompleted && _given.Length == buffer.Length);
        return true;
    }

    // What is no record is all given: who decrypts refuses it.
    private static long RecordLength(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> header = stackalloc byte[HeaderLength];
        var length = (int)Math.Min(buffer.Length, HeaderLength);
        buffer.Slice(0, length).CopyTo(header);
        if (length > 0 && (header[0] is < FirstType or > LastType || (length > 1 && header[1] != MajorVersion)))
        {
            return buffer.Length;
        }

        var fragment = (header[3] << 8) | header[4];
        return length < HeaderLength ? HeaderLength : fragment > LongestFragment ? buffer.Length : HeaderLength + fragment;
    }
}
