using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using ClusterAspire.LoadBalancer.Transport;

namespace ClusterAspire.LoadBalancer.Tls;

/// <summary>
/// What a client sends over TLS, decrypted. It waits for a whole record before it decrypts: an <see cref="SslStream"/> that waits leaves
/// half a kilobyte of garbage for each request.
/// </summary>
internal sealed class DecryptedInput : ReceivedInput
{
    // As much as a record holds (RFC 8446, 5.1), in bytes: so a read leaves nothing in the SslStream.
    private const int LongestPlaintext = 16 * 1024;

    private readonly TlsRecords _records;
    private readonly SslStream _stream;
    private readonly Action _arrived;
    private ValueTask<ReadResult> _arrival;

    // Whether a record, or the SslStream, is being waited for.
    private bool _isUnderway;

    // What was decrypted when nobody waited any more: who read last may still use the buffer.
    private ArraySegment<byte> _late;

    /// <summary>Decrypts.</summary>
    /// <param name="records">What <paramref name="stream"/> reads.</param>
    /// <param name="stream">Decrypts; nobody else reads it.</param>
    public DecryptedInput(TlsRecords records, SslStream stream)
        : base(new())
    {
        (_records, _stream, _arrived) = (records, stream, Arrived);
        // The connection decides on which thread who reads goes on.
        Wait.IsInline = true;
    }

    /// <inheritdoc/>
    protected override bool TryReceive()
    {
        if (!_isUnderway)
        {
            Receive();
        }

        return !_isUnderway;
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
        lock (Guard)
        {
            _isUnderway = false;
            var hasNext = HasNext();
            if (!Wait.IsPending)
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

            if (_isUnderway || !TryEnd(out result))
            {
                return;
            }
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

        ReadResult result;
        lock (Guard)
        {
            _isUnderway = false;
            Failure = failure;
            if (!Wait.IsPending)
            {
                _late = decrypted;
                return;
            }

            if (failure is null)
            {
                Add(decrypted);
            }

            TryEnd(out result);
        }

        End(result);
    }

    private void Add(ArraySegment<byte> decrypted)
    {
        if (decrypted.Count > 0)
        {
            decrypted.AsMemory().CopyTo(Unread.Room(decrypted.Count));
            Unread.Add(decrypted.Count);
        }

        IsEnd = decrypted.Count == 0;
        ArrayPool<byte>.Shared.Return(decrypted.Array!);
    }
}
