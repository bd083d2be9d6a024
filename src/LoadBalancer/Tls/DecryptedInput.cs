using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using ClusterAspire.Link;
using ClusterAspire.LoadBalancer.Transport;

namespace ClusterAspire.LoadBalancer.Tls;

/// <summary>
/// What a client sends over TLS, decrypted. It waits for a whole record before it decrypts: an <see cref="SslStream"/> that waits leaves
/// half a kilobyte of garbage for each request.
/// </summary>
internal sealed class DecryptedInput : PipeReader
{
    // As much as a record holds (RFC 8446, 5.1), in bytes: so a read leaves nothing in the SslStream.
    private const int LongestPlaintext = 16 * 1024;

    private readonly Lock _lock = new();
    private readonly TlsRecords _records;
    private readonly SslStream _stream;
    private readonly Wait<ReadResult> _wait;
    private readonly Action _arrived;
    private readonly PooledBuffer _unread = new();
    private ReadOnlySequence<byte> _given;
    private ValueTask<ReadResult> _arrival;

    // Whether a record, or the SslStream, is being waited for.
    private bool _isUnderway;
    private bool _isExamined = true;
    private bool _isCancelled;
    private bool _isEnd;
    private Exception? _failure;

    // What was decrypted when nobody waited any more: who read last may still use the buffer.
    private ArraySegment<byte> _late;

    /// <summary>Decrypts.</summary>
    /// <param name="records">What <paramref name="stream"/> reads.</param>
    /// <param name="stream">Decrypts; nobody else reads it.</param>
    public DecryptedInput(TlsRecords records, SslStream stream)
    {
        (_records, _stream, _arrived) = (records, stream, Arrived);
        // The connection decides on which thread who reads goes on.
        _wait = new(_lock) { IsInline = true };
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ValueTask<ReadResult> begun;
        lock (_lock)
        {
            if (TryTake(out var result))
            {
                return new(result);
            }

            if (!_isUnderway)
            {
                Receive();
                if (TryTake(out result))
                {
                    return new(result);
                }
            }

            begun = _wait.Begin();
        }

        return _wait.OrCancelled(begun, cancellationToken);
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        lock (_lock)
        {
            return TryTake(out result);
        }
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_lock)
        {
            _isExamined = _given.Slice(examined).IsEmpty;
            _unread.Take((int)_given.Slice(_given.Start, consumed).Length);
            _given = default;
        }
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        lock (_lock)
        {
            if (!_wait.TryEnd())
            {
                _isCancelled = true;
                return;
            }
        }

        _wait.Complete(new(default, isCanceled: true, isCompleted: false));
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        lock (_lock)
        {
            _unread.Clear();
        }
    }

    private bool TryTake(out ReadResult result)
    {
        result = default;
        if (!_isCancelled && _isExamined && !_isEnd && _failure is null)
        {
            return false;
        }

        if (!_isCancelled && _isExamined && _failure is { } failure)
        {
            throw failure;
        }

        result = Give();
        return true;
    }

    private ReadResult Give()
    {
        _given = new(_unread.Bytes);
        ReadResult result = new(_given, _isCancelled, _isEnd);
        (_isExamined, _isCancelled) = (true, false);
        return result;
    }

    /// <summary>Decrypts what has come. If nothing has, it is underway then.</summary>
    private void Receive()
    {
        if (_late.Array is not null)
        {
            Add(_late);
            _late = default;
            return;
        }

        do
        {
#pragma warning disable CA2012 // Consumed once, by HasNext.
            _arrival = _records.ArrivesAsync();
#pragma warning restore CA2012
            if (!_arrival.IsCompleted)
            {
                _isUnderway = true;
                _arrival.GetAwaiter().UnsafeOnCompleted(_arrived);
                return;
            }
        }
        while (!HasNext());

        Decrypt();
    }

    private bool HasNext()
    {
        try
        {
#pragma warning disable VSTHRD002 // It is completed.
            return _records.HasNext(_arrival.Result);
#pragma warning restore VSTHRD002
        }
        catch (Exception)
        {
            // Who decrypts meets it too.
            return true;
        }
    }

    private void Arrived()
    {
        ReadResult result;
        lock (_lock)
        {
            _isUnderway = false;
            var hasNext = HasNext();
            if (!_wait.IsPending)
            {
                return;
            }

            if (hasNext)
            {
                Decrypt();
            }
            else
            {
                Receive();
            }

            if (_isUnderway || !_wait.TryEnd())
            {
                return;
            }

            result = _failure is null ? Give() : default;
        }

        End(result);
    }

    private void Decrypt()
    {
        var plaintext = ArrayPool<byte>.Shared.Rent(LongestPlaintext);
        ValueTask<int> decrypting;
        try
        {
            decrypting = _stream.ReadAsync(plaintext);
        }
        catch (Exception exception)
        {
            // The connection has ended at the same moment. Who reads is told, not who saw it come.
            decrypting = ValueTask.FromException<int>(exception);
        }

        if (decrypting.IsCompletedSuccessfully)
        {
            Add(new(plaintext, 0, decrypting.Result));
        }
        else
        {
            // A failure, or a record without data, such as one that changes the key.
            _isUnderway = true;
            _ = DecryptAsync(decrypting, plaintext);
        }
    }

    private async Task DecryptAsync(ValueTask<int> decrypting, byte[] plaintext)
    {
        // Not under the lock that the caller holds.
        await Task.Yield();
        ArraySegment<byte> decrypted = default;
        Exception? failure = null;
        try
        {
            decrypted = new(plaintext, 0, await decrypting);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        ReadResult result = default;
        lock (_lock)
        {
            _isUnderway = false;
            _failure = failure;
            if (!_wait.TryEnd())
            {
                _late = decrypted;
                return;
            }

            if (failure is null)
            {
                Add(decrypted);
                result = Give();
            }
        }

        End(result);
    }

    private void End(ReadResult result)
    {
        if (_failure is { } failure)
        {
            _wait.Fail(failure);
        }
        else
        {
            _wait.Complete(result);
        }
    }

    private void Add(ArraySegment<byte> decrypted)
    {
        if (decrypted.Count > 0)
        {
            decrypted.AsMemory().CopyTo(_unread.Room(decrypted.Count));
            _unread.Add(decrypted.Count);
        }

        (_isExamined, _isEnd) = (false, decrypted.Count == 0);
        ArrayPool<byte>.Shared.Return(decrypted.Array!);
    }
}
