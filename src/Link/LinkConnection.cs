using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace ClusterAspire.Link;

/// <summary>
/// A socket that carries virtual connections as frames. One system call sends or receives the frames of many connections.
/// </summary>
/// <remarks>
/// Each virtual connection may have <see cref="Window"/> bytes on the way; more may follow as its reader reads (as in HTTP/2,
/// RFC 9113, 5.2). So one that is not read holds up no other, and memory is bounded.
/// </remarks>
public sealed class LinkConnection : IThreadPoolWorkItem, IDisposable
{
    /// <summary>How many bytes of a virtual connection may be on the way that its reader has not read.</summary>
    public const int Window = 128 * 1024;

    // Writers wait while more bytes than this are queued.
    private const int MostUnsent = 1024 * 1024;

    private const int ReceiveLength = 256 * 1024;
    private const int SmallestSend = 16 * 1024;

    // Larger buffers are not kept after a burst.
    private const int LargestKept = 1024 * 1024;

    // What readers send while they are told of data is sent together, but not after more of them or more bytes than this.
    private const int MostToldBetweenSends = 16;
    private const int MostBytesBetweenSends = 64 * 1024;

    private readonly Socket _socket;
    private readonly LinkConnectionOptions _options;
    private readonly ConcurrentDictionary<uint, VirtualConnection> _connections = new();
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The frames that are queued, and those that are being sent.
    private byte[] _unsent = new byte[SmallestSend];
    private byte[] _sending = new byte[SmallestSend];
    private int _unsentLength;
    private bool _isSending;
    private long _sentAt;

    // Completes when what is queued is taken to be sent, and when nothing is left.
    private TaskCompletionSource? _taken;

    // What was received; between two system calls, the beginning of a frame.
    private readonly byte[] _received = GC.AllocateUninitializedArray<byte>(ReceiveLength, pinned: true);
    private int _receivedLength;

    // Connections with data, and how many of their readers have been told of it.
    private readonly List<VirtualConnection> _toPassOn = [];
    private int _told;
    private bool _isTelling;

    // A thread of its own receives, which may wait until there is room to send.
    private bool _hasThread;

    // Counts the threads that have received: only the last one does. It runs a reader if the number of those that it ran is odd.
    private int _turn;
    private long _progress;

    // The thread that handles what was received: what it sends meanwhile is sent afterwards.
    private int _dispatcher;

    private Exception? _failure;
    private bool _isClosed;
    private uint _last;

    /// <summary>
    /// Makes a link of a connected socket, after the greetings; the socket is the link's from now on. Who makes it calls
    /// <see cref="Receive"/>, <see cref="ReceiveAsync"/> or <see cref="ReceiveAvailable"/>.
    /// </summary>
    /// <param name="socket">The socket.</param>
    /// <param name="options">How it works.</param>
    public LinkConnection(Socket socket, LinkConnectionOptions options) => (_socket, _options) = (socket, options);

    /// <summary>The socket.</summary>
    public Socket Socket => _socket;

    /// <summary>Whether virtual connections can be opened.</summary>
    public bool IsOpen => !Volatile.Read(ref _isClosed);

    /// <summary>Why it is over: the first failure on this side; null where either side ended it.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Completes when the link is over.</summary>
    public Task Closed => _closed.Task;

    /// <summary>
    /// What the receiver does: the same odd number as before means that it still runs the same reader, by <see cref="TryRun"/>.
    /// </summary>
    public long Progress => Volatile.Read(ref _progress);

    /// <summary>Opens a virtual connection.</summary>
    /// <exception cref="LinkBrokenException">The link is over.</exception>
    public VirtualConnection Open()
    {
        VirtualConnection connection;
        bool begins;
        lock (_lock)
        {
            if (_isClosed)
            {
                throw Broken();
            }

            connection = new(this, ++_last, _options.Scheduler);
            _connections[connection.Id] = connection;
            // Within the same lock, because the other side accepts numbers only in order.
            begins = Append(new(FrameKind.Open, 0, connection.Id), default);
        }

        if (begins)
        {
            BeginSending(isReceiver: false);
        }

        return connection;
    }

    /// <summary>Receives until the link is over, or another thread has taken over; the thread waits.</summary>
    /// <returns>Whether the link is over.</returns>
    public bool Receive()
    {
        // By poll(2) it waits: .NET's sockets would be told of each frame from their first wait on, and wake a thread.
        _socket.Blocking = false;
        _hasThread = true;
        return ReceiveInTurn(0);
    }

    /// <summary>Receives, like <see cref="Receive"/>, in place of the thread that does, if a reader still holds that up.</summary>
    /// <param name="progress">The <see cref="Progress"/> from which on it has made none, an odd number.</param>
    /// <returns>Whether the link is over.</returns>
    public bool TakeOver(long progress)
    {
        int turn;
        lock (_lock)
        {
            if (_progress != progress)
            {
                return false;
            }

            _progress++;
            turn = ++_turn;
            _dispatcher = Environment.CurrentManagedThreadId;
        }

        return ReceiveInTurn(turn);
    }

    /// <summary>
    /// For the scheduler of readers: runs one at once, if this is the receiver's thread and it tells that reader of data. If the reader
    /// blocks, another thread may <see cref="TakeOver"/>.
    /// </summary>
    /// <returns>Whether this was that thread.</returns>
    public bool TryRun(Action<object?> reader, object? state)
    {
        int turn;
        lock (_lock)
        {
            if (!_isTelling || _dispatcher != Environment.CurrentManagedThreadId)
            {
                return false;
            }

            _isTelling = false;
            turn = _turn;
            _progress++;
        }

        reader(state);
        lock (_lock)
        {
            if (_turn == turn)
            {
                _progress++;
            }
        }

        return true;
    }

    /// <summary>Receives until the link is over, on threads of the pool.</summary>
    public async Task ReceiveAsync()
    {
        try
        {
            while (Handle(await _socket.ReceiveAsync(_received.AsMemory(_receivedLength))))
            {
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidDataException)
        {
            Abort(e);
        }

        End();
    }

    /// <summary>Receives what is there; one thread at a time, from a socket that does not block.</summary>
    /// <param name="toEnd">Whether the other side sends no more than that.</param>
    /// <returns>Whether the link is not over.</returns>
    public bool ReceiveAvailable(bool toEnd)
    {
        try
        {
            while (true)
            {
                var room = _received.AsSpan(_receivedLength);
                var length = _socket.Receive(room, SocketFlags.None, out var error);
                if (error is SocketError.WouldBlock)
                {
                    return true;
                }

                if (error is not SocketError.Success)
                {
                    throw new SocketException((int)error);
                }

                if (!Handle(length))
                {
                    break;
                }

                if (length < room.Length && !toEnd)
                {
                    return true;
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidDataException)
        {
            Abort(e);
        }

        End();
        return false;
    }

    /// <summary>Ends the link and all its virtual connections.</summary>
    /// <param name="failure">What those who read and write are told, if anything.</param>
    public void Abort(Exception? failure)
    {
        lock (_lock)
        {
            _failure ??= failure;
            _isClosed = true;
        }

        try
        {
            // This ends the receiver, which ends the virtual connections.
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    /// <summary>Ends the link as soon as the other side has received everything that waits to be sent.</summary>
    /// <param name="limit">After this time it is ended in any case.</param>
    public async Task EndAsync(TimeSpan limit)
    {
        using var over = new CancellationTokenSource(limit);
        try
        {
            while (Unsent() is { } taken)
            {
                await taken.WaitAsync(over.Token);
            }

            // The other side ends the link when it has read to this end. Closed with something unread, a socket is reset.
            _socket.Shutdown(SocketShutdown.Send);
            await Closed.WaitAsync(over.Token);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // It is over already, or the other side does not read.
        }

        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose() => Abort(null);

    /// <summary>Sends what waits to be sent.</summary>
    void IThreadPoolWorkItem.Execute() => Send(mayWait: false);

    /// <summary>Why the link is over, for one of its connections.</summary>
    internal LinkBrokenException Broken() => new("The link is broken.", _failure);

    /// <summary>A virtual connection is over for this side.</summary>
    internal void Forget(VirtualConnection connection) => _connections.TryRemove(connection.Id, out _);

    /// <summary>Whether so much waits to be sent that who writes should wait for <see cref="WaitForRoomAsync"/>.</summary>
    internal bool IsCongested => Volatile.Read(ref _unsentLength) > MostUnsent;

    /// <summary>Waits until less is to be sent, or the link is over.</summary>
    internal Task WaitForRoomAsync()
    {
        lock (_lock)
        {
            return _unsentLength <= MostUnsent || _isClosed ? Task.CompletedTask : Taken();
        }
    }

    /// <summary>Completes when less is to be sent, or the link is over; null when nothing is.</summary>
    private Task? Unsent()
    {
        lock (_lock)
        {
            return _isClosed || (!_isSending && _unsentLength == 0) ? null : Taken();
        }
    }

    // Under the lock.
    private Task Taken() => (_taken ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Sends a frame, soon, and with others.</summary>
    internal void Send(Frame frame, ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            if (_isClosed || !Append(frame, data))
            {
                return;
            }
        }

        BeginSending(isReceiver: false);
    }

    /// <summary>Adds a frame to what is to be sent, under the lock.</summary>
    /// <returns>Whether the caller has to begin to send.</returns>
    private bool Append(Frame frame, ReadOnlySpan<byte> data)
    {
        var length = Frame.HeadLength + data.Length;
        if (_unsent.Length - _unsentLength < length)
        {
            var larger = GC.AllocateUninitializedArray<byte>(Math.Max(_unsent.Length * 2, _unsentLength + length));
            _unsent.AsSpan(0, _unsentLength).CopyTo(larger);
            _unsent = larger;
        }

        frame.Write(_unsent.AsSpan(_unsentLength));
        data.CopyTo(_unsent.AsSpan(_unsentLength + Frame.HeadLength));
        _unsentLength += length;
        var begins = !_isSending && _dispatcher != Environment.CurrentManagedThreadId;
        _isSending |= begins;
        return begins;
    }

    private void BeginSending(bool isReceiver)
    {
        if (_options.Defer?.Invoke(this) is true)
        {
            return;
        }

        var last = Interlocked.Exchange(ref _sentAt, Stopwatch.GetTimestamp());
        if (isReceiver || Stopwatch.GetElapsedTime(last) >= _options.SendsAtOnceAfter)
        {
            Send(mayWait: isReceiver);
        }
        else
        {
            // Queued behind other work items, which may have more to send.
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    private void Send(bool mayWait)
    {
        if (_hasThread)
        {
            SendByThread(mayWait);
        }
        else
        {
            _ = SendAsync();
        }
    }

    private async Task SendAsync()
    {
        try
        {
            while (TakeUnsent(out var length, leaves: false))
            {
                for (var sent = 0; sent < length;)
                {
                    sent += await _socket.SendAsync(_sending.AsMemory(sent, length - sent));
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Abort(e);
        }
    }

    // As SendAsync does, where a thread of its own receives: it sends too, and if another finds no room, a new one waits for that.
    private void SendByThread(bool mayWait, bool leaves = false, int from = 0, int to = 0)
    {
        try
        {
            do
            {
                while (from < to)
                {
                    from += _socket.Send(_sending.AsSpan(from, to - from), SocketFlags.None, out var error);
                    if (error is SocketError.WouldBlock && !mayWait)
                    {
                        new Thread(() => SendByThread(mayWait: true, leaves: true, from, to)) { IsBackground = true, Name = "Link" }.UnsafeStart();
                        return;
                    }

                    if (error is SocketError.WouldBlock)
                    {
                        _socket.Poll(Timeout.InfiniteTimeSpan, SelectMode.SelectWrite);
                    }
                    else if (error is not SocketError.Success)
                    {
                        throw new SocketException((int)error);
                    }
                }

                from = 0;
            }
            while (TakeUnsent(out to, leaves));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Abort(e);
        }
    }

    private bool TakeUnsent(out int length, bool leaves)
    {
        TaskCompletionSource? taken;
        lock (_lock)
        {
            length = _unsentLength;
            if (leaves && length > 0 && _dispatcher != 0)
            {
                // The receiver sends it after what it handles.
                _isSending = false;
                return false;
            }

            (_unsent, _sending, _unsentLength) = (_sending, _unsent, 0);
            if (_unsent.Length > LargestKept && length < SmallestSend)
            {
                _unsent = new byte[SmallestSend];
            }

            _isSending = length > 0;
            (taken, _taken) = (_taken, null);
        }

        taken?.SetResult();
        return length > 0;
    }

    private bool ReceiveInTurn(int turn)
    {
        try
        {
            // A thread that takes over begins with what the one before has left.
            for (var isOpen = true; PassOn(turn);)
            {
                if (!isOpen)
                {
                    End();
                    return true;
                }

                _socket.Poll(Timeout.InfiniteTimeSpan, SelectMode.SelectRead);
                var length = _socket.Receive(_received.AsSpan(_receivedLength), SocketFlags.None, out var error);
                if (error is SocketError.Success)
                {
                    isOpen = Take(length);
                }
                else if (error is not SocketError.WouldBlock)
                {
                    throw new SocketException((int)error);
                }
            }

            return false;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidDataException)
        {
            Abort(e);
        }

        End();
        return true;
    }

    /// <summary>Handles what was received, where no other thread takes over.</summary>
    /// <returns>Whether there may be more.</returns>
    private bool Handle(int length)
    {
        var mayHaveMore = Take(length);
        PassOn(turn: 0);
        return mayHaveMore;
    }

    /// <summary>Takes what was received, for <see cref="PassOn"/>.</summary>
    /// <returns>Whether there may be more.</returns>
    private bool Take(int length)
    {
        _dispatcher = Environment.CurrentManagedThreadId;
        _receivedLength += length;
        var used = Dispatch(_received.AsSpan(0, _receivedLength));
        _received.AsSpan(used, _receivedLength - used).CopyTo(_received);
        _receivedLength -= used;
        return length > 0;
    }

    private int Dispatch(ReadOnlySpan<byte> received)
    {
        var used = 0;
        while (received.Length - used >= Frame.HeadLength)
        {
            var frame = Frame.Read(received[used..]);
            if (frame.DataLength > Frame.LongestData)
            {
                throw new InvalidDataException("A frame is too long.");
            }

            var length = Frame.HeadLength + frame.DataLength;
            if (received.Length - used < length)
            {
                break;
            }

            Dispatch(frame, received.Slice(used + Frame.HeadLength, frame.DataLength));
            used += length;
        }

        return used;
    }

    /// <summary>Tells readers of their data, of several frames at once, and sends what that gave.</summary>
    /// <returns>Whether this thread is still the receiver.</returns>
    private bool PassOn(int turn)
    {
        for (var told = 1; TryNext(turn, out var connection); told++)
        {
            if (connection is null)
            {
                SendWhatWasAnswered(isAll: true);
                return true;
            }

            connection.PassOn();
            if (told % MostToldBetweenSends == 0 || Volatile.Read(ref _unsentLength) > MostBytesBetweenSends)
            {
                SendWhatWasAnswered(isAll: false);
            }
        }

        return false;
    }

    /// <summary>The next connection whose reader is to be told; null if all have been.</summary>
    /// <returns>Whether this thread is still the receiver.</returns>
    private bool TryNext(int turn, out VirtualConnection? connection)
    {
        connection = null;
        lock (_lock)
        {
            if (_turn != turn)
            {
                return false;
            }

            _isTelling = _told < _toPassOn.Count;
            if (_isTelling)
            {
                connection = _toPassOn[_told++];
            }
            else
            {
                _toPassOn.Clear();
                _told = 0;
            }
        }

        return true;
    }

    private void SendWhatWasAnswered(bool isAll)
    {
        lock (_lock)
        {
            if (isAll)
            {
                _dispatcher = 0;
            }

            if (_unsentLength == 0 || _isSending || _isClosed)
            {
                return;
            }

            _isSending = true;
        }

        BeginSending(isReceiver: true);
    }

    private void Dispatch(Frame frame, ReadOnlySpan<byte> data)
    {
        if (frame.Kind is FrameKind.Open)
        {
            Accept(frame.Connection);
        }
        else if (_connections.TryGetValue(frame.Connection, out var connection))
        {
            // A connection that has ended is not known; the other side will soon know too.
            if (connection.Receive(frame, data))
            {
                _toPassOn.Add(connection);
            }
        }
    }

    private void Accept(uint id)
    {
        if (_options.Accept is null || id <= _last)
        {
            throw new InvalidDataException("A connection was opened that cannot be.");
        }

        _last = id;
        var connection = new VirtualConnection(this, id, _options.Scheduler);
        _connections[id] = connection;
        if (_connections.Count > _options.MostConnections || !_options.Accept(connection))
        {
            connection.Close(CloseReason.Refused);
        }
    }

    // Only the receiver completes the input of virtual connections.
    private void End()
    {
        TaskCompletionSource? taken;
        lock (_lock)
        {
            _isClosed = true;
            (taken, _taken) = (_taken, null);
        }

        _socket.Dispose();
        taken?.SetResult();
        foreach (var connection in _connections.Values)
        {
            connection.Break(Broken());
        }

        _connections.Clear();
        _closed.TrySetResult();
    }
}
