using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace ClusterAspire.Link;

/// <summary>One of the connections that a <see cref="LinkConnection"/> carries: bytes both ways.</summary>
public sealed class VirtualConnection : IDuplexPipe
{
    // Each report of what was read costs a frame. Together with what is sent anyway, it costs little.
    private const int Portion = LinkConnection.Window / 2;
    private const int SmallPortion = LinkConnection.Window / 8;

    private readonly LinkConnection _link;
    private readonly Pipe _received;
    private readonly Lock _lock = new();

    // How many bytes may still be received, and sent.
    private int _expected = LinkConnection.Window;
    private int _credit = LinkConnection.Window;

    // What was read and not reported.
    private int _read;
    private TaskCompletionSource? _moreCredit;
    private bool _hasEnded;
    private bool _isClosed;
    private bool _isInputComplete;
    private bool _hasReceived;

    internal VirtualConnection(LinkConnection link, uint id, PipeScheduler scheduler)
    {
        (_link, Id) = (link, id);
        _received = new(new PipeOptions(
            readerScheduler: scheduler, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, resumeWriterThreshold: 0, useSynchronizationContext: false));
        Input = new VirtualInput(this, _received.Reader);
        Output = new VirtualOutput(this);
    }

    /// <summary>Its number: each is used once in the life of a link.</summary>
    public uint Id { get; }

    /// <summary>What the other side sends.</summary>
    /// <remarks>Reading throws <see cref="LinkBrokenException"/> when the other side broke the connection off.</remarks>
    public PipeReader Input { get; }

    /// <summary>Sends to the other side. A flush waits while the other side has read too little of what it was sent.</summary>
    public PipeWriter Output { get; }

    /// <summary>Whether it is over.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>Is called once when the other side, or the link, has ended it; on the thread that found out.</summary>
    public Action? Ended { get; set; }

    /// <summary>Why it is over: what who reads or writes is told.</summary>
    internal Exception? Failure { get; private set; }

    /// <summary>Ends it, both ways. Who reads or writes sees a failure.</summary>
    /// <param name="reason">What the other side is told.</param>
    public void Close(CloseReason reason)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            Failure ??= new LinkBrokenException("The connection has been closed.");
            _isClosed = true;
        }

        _link.Forget(this);
        _link.Send(new(FrameKind.Close, (int)reason, Id), default);
        _received.Reader.CancelPendingRead();
        StopWaitingToSend();
    }

    /// <summary>Sends bytes, and waits where there is no room for them.</summary>
    /// <exception cref="LinkBrokenException">It is over.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        if (Volatile.Read(ref _read) >= SmallPortion)
        {
            // Who is asked for the next answer may then send all of it.
            Grant();
        }

        var sent = Send(bytes.Span);
        return sent == bytes.Length && !IsCongested ? default : SendRestAsync(bytes[sent..], cancellationToken);
    }

    /// <summary>Says that no more is sent.</summary>
    internal void EndSending()
    {
        lock (_lock)
        {
            if (_hasEnded || _isClosed)
            {
                return;
            }

            _hasEnded = true;
        }

        _link.Send(new(FrameKind.End, 0, Id), default);
    }

    /// <summary>So many bytes were read: as many more may come.</summary>
    internal void HasRead(int bytes)
    {
        if (Interlocked.Add(ref _read, bytes) >= Portion)
        {
            Grant();
        }
    }

    /// <summary>A frame has come. Only the link's receiver calls this.</summary>
    /// <returns>Whether <see cref="PassOn"/> is to be called for the data, once for several frames.</returns>
    internal bool Receive(Frame frame, ReadOnlySpan<byte> data)
    {
        switch (frame.Kind)
        {
            case FrameKind.Data:
                if (Interlocked.Add(ref _expected, -data.Length) < 0)
                {
                    throw new InvalidDataException("More was sent than may be.");
                }

                if (_isInputComplete)
                {
                    break;
                }

                // In one piece, of which a reader gets more at a time.
                data.CopyTo(_received.Writer.GetSpan(data.Length));
                _received.Writer.Advance(data.Length);
                var isFirst = !_hasReceived;
                _hasReceived = true;
                return isFirst;
            case FrameKind.Credit:
                AddCredit(frame.Value);
                break;
            case FrameKind.End:
                CompleteInput(null);
                break;
            case FrameKind.Close:
                Break((CloseReason)frame.Value switch
                {
                    CloseReason.Done => null,
                    CloseReason.Refused => new LinkRefusedException(),
                    _ => new LinkBrokenException("The other side broke the connection off."),
                });
                break;
            default:
                throw new InvalidDataException("A frame is of no known kind.");
        }

        return false;
    }

    /// <summary>Tells the reader of what has come. Only the link's receiver calls this.</summary>
    internal void PassOn()
    {
        _hasReceived = false;
        if (!_isInputComplete)
        {
#pragma warning disable CA2012 // It completes synchronously, because the window bounds how much is received.
            _ = _received.Writer.FlushAsync();
#pragma warning restore CA2012
        }
    }

    /// <summary>The other side, or the link, is gone. Only the link's receiver calls this.</summary>
    internal void Break(LinkBrokenException? failure)
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                Failure ??= failure ?? new LinkBrokenException("The other side has closed the connection.");
                _isClosed = true;
            }
        }

        _link.Forget(this);
        CompleteInput(failure);
        StopWaitingToSend();
        Ended?.Invoke();
    }

    /// <summary>Sends as much as may be sent.</summary>
    /// <returns>How much that was, in bytes.</returns>
    internal int Send(ReadOnlySpan<byte> bytes)
    {
        int length;
        lock (_lock)
        {
            if (_isClosed)
            {
                throw new LinkBrokenException("The connection is closed.", Failure);
            }

            length = Math.Min(_credit, bytes.Length);
            _credit -= length;
        }

        for (var sent = 0; sent < length;)
        {
            var data = bytes[sent..Math.Min(length, sent + Frame.LongestData)];
            _link.Send(new(FrameKind.Data, data.Length, Id), data);
            sent += data.Length;
        }

        return length;
    }

    /// <summary>Whether who has sent should wait before it sends more, although it may.</summary>
    internal bool IsCongested => _link.IsCongested;

    /// <summary>Waits until more should be sent, or it is over.</summary>
    /// <param name="hasMore">Whether there is more.</param>
    internal Task WaitToSendAsync(bool hasMore)
    {
        lock (_lock)
        {
            if (hasMore && _credit == 0 && !_isClosed)
            {
                return (_moreCredit ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }

        return IsCongested ? _link.WaitForRoomAsync() : Task.CompletedTask;
    }

    /// <summary>Whoever waits to send waits no longer.</summary>
    internal void StopWaitingToSend()
    {
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            (waiting, _moreCredit) = (_moreCredit, null);
        }

        waiting?.SetResult();
    }

    private void Grant()
    {
        var read = Interlocked.Exchange(ref _read, 0);
        Interlocked.Add(ref _expected, read);
        if (!IsClosed)
        {
            _link.Send(new(FrameKind.Credit, read, Id), default);
        }
    }

    private void AddCredit(int bytes)
    {
        lock (_lock)
        {
            _credit += bytes;
            if (_credit > LinkConnection.Window)
            {
                throw new InvalidDataException("More was allowed than may be.");
            }
        }

        StopWaitingToSend();
    }

    private void CompleteInput(Exception? failure)
    {
        if (!_isInputComplete)
        {
            _isInputComplete = true;
            _received.Writer.Complete(failure);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendRestAsync(ReadOnlyMemory<byte> rest, CancellationToken cancellationToken)
    {
        do
        {
            await WaitToSendAsync(!rest.IsEmpty).WaitAsync(cancellationToken);
            rest = rest[Send(rest.Span)..];
        }
        while (!rest.IsEmpty);
    }
}
