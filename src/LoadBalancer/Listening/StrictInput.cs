using System.Buffers;
using System.IO.Pipelines;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>
/// The input of a client, checked before Kestrel reads it. A line that is not valid is replaced by one that Kestrel refuses with 400
/// after it has answered the requests before it.
/// </summary>
/// <remarks>Nothing is copied: Kestrel reads the transport's own buffers, and each byte of a head is looked at once.</remarks>
internal sealed class StrictInput(PipeReader inner, RequestFraming framing) : PipeReader
{
    // Not valid as a request line, as a field and as the size of a chunk.
    private static readonly byte[] Refused = "\0\r\n"u8.ToArray();

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private ReadOnlySequence<byte> _buffer;
    private long _checked;
    private bool _isRefused;
    private bool _isRead;
    private bool _isOver;
    private bool _hasBegun;

    /// <summary>Whether the client began to speak HTTP/2. Nothing of it has been read.</summary>
    public bool IsHttp2 { get; private set; }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_isRefused || IsOver())
        {
            return new(new ReadResult(_buffer, isCanceled: false, isCompleted: true));
        }

        var read = inner.ReadAsync(cancellationToken);
        if (!read.IsCompletedSuccessfully)
        {
            return WaitAsync(read, cancellationToken);
        }

        var result = read.Result;
        return Check(ref result) ? new(result) : WaitAsync(inner.ReadAsync(cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        if (_isRefused || IsOver())
        {
            result = new ReadResult(_buffer, isCanceled: false, isCompleted: true);
            return true;
        }

        return inner.TryRead(out result) && Check(ref result);
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _isRead = false;
        if (_isOver)
        {
            return;
        }

        if (_isRefused)
        {
            _buffer = _buffer.Slice(consumed);
            return;
        }

        if (!IsHttp2)
        {
            _checked = Math.Max(0, _checked - _buffer.Slice(_buffer.Start, consumed).Length);
            inner.AdvanceTo(consumed, examined);
        }
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => inner.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        if (!IsHttp2)
        {
            inner.Complete(exception);
        }
    }

    // Kestrel does not read the rest of a body that the client broke off and continues with the next request: the rest of the body would
    // be read as a request.
    private bool IsOver()
    {
        if (_isRead && !_isOver)
        {
            (_isOver, _buffer) = (true, default);
        }

        return _isOver;
    }

    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await read;
            // Kestrel and the application do not run on the thread that received the data.
            await Task.Yield();
            if (Check(ref result))
            {
                return result;
            }

            read = inner.ReadAsync(cancellationToken);
        }
    }

    /// <summary>Checks what was read.</summary>
    /// <returns>Whether it can be passed on; if not, more must be read first.</returns>
    private bool Check(ref ReadResult result)
    {
        var buffer = result.Buffer;
        if (!_hasBegun && !Begin(ref result))
        {
            return IsHttp2;
        }

        // After a cancelled read the next one may follow at once.
        _isRead = !result.IsCanceled;
        _buffer = buffer;
        var isSound = framing.IsSound(buffer.Slice(_checked), out var end);
        _checked += end;
        if (!isSound)
        {
            // A copy, at most once for each connection: the valid part, followed by a line that Kestrel refuses.
            _isRefused = true;
            _buffer = new([.. buffer.Slice(0, _checked).ToArray(), .. Refused]);
            inner.AdvanceTo(buffer.End);
            result = new ReadResult(_buffer, isCanceled: false, isCompleted: true);
        }

        return true;
    }

    /// <summary>Looks at the first bytes.</summary>
    /// <returns>Whether they are HTTP/1's.</returns>
    private bool Begin(ref ReadResult result)
    {
        var buffer = result.Buffer;
        var length = (int)Math.Min(buffer.Length, Preface.Length);
        if (length == 0)
        {
            _hasBegun = result.IsCompleted;
            return true;
        }

        Span<byte> first = stackalloc byte[Preface.Length];
        buffer.Slice(0, length).CopyTo(first);
        if (!Preface.AsSpan(0, length).SequenceEqual(first[..length]) || result.IsCompleted)
        {
            _hasBegun = true;
            return true;
        }

        if (length == Preface.Length)
        {
            // Kestrel's HTTP/1 sees a client that has left; its HTTP/2 reads everything again.
            IsHttp2 = true;
            inner.AdvanceTo(buffer.Start);
            result = new ReadResult(default, isCanceled: false, isCompleted: true);
        }
        else
        {
            inner.AdvanceTo(buffer.Start, buffer.End);
        }

        return false;
    }
}
