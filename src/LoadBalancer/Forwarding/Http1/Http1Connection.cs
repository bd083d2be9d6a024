using System.Buffers;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.Link;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>A connection to a replica: one request at a time, each sent once.</summary>
/// <param name="transport">The connection: TCP's, or a virtual one of the link.</param>
/// <param name="stream">The same, or what encrypts it.</param>
/// <param name="pool">Where it waits for its next request.</param>
internal sealed class Http1Connection(Stream transport, Stream stream, ConnectionPool pool) : IDisposable
{
    /// <summary>How long a response's head may be, in bytes.</summary>
    public const int LongestHead = 64 * 1024;

    private const int BufferLength = 4096;

    // A replica that answers nothing to "Expect" gets the body after this time (RFC 9110, 10.1.1).
    private static readonly TimeSpan ContinueLimit = TimeSpan.FromSeconds(1);

    // No protocol needs more.
    private const int MostInterim = 64;

    private readonly ArrayBufferWriter<byte> _head = new(1024);
    private byte[] _buffer = new byte[BufferLength];
    private int _start;
    private int _end;

    // How much of the head that comes is known: its lines that are whole, in bytes.
    private int _headRead;

    // A read that starts while the connection is idle: it completes when the replica closes the connection, or with the next response.
    private ValueTask<int> _ahead;
    private bool _readsAhead;

    // 1 while it is one of the few connections that there may be.
    private int _isTaken;

    private CancellationToken _cancellation;
    private CancellationTokenRegistration _abort;
    private RequestBody? _body;
    private CancellationTokenSource? _stopUpload;
    private TaskCompletionSource? _continue;

    /// <summary>Whether it can take a request, as far as can be known.</summary>
    public bool IsUsable => !_ahead.IsCompleted;

    /// <summary>Whether the link carries it.</summary>
    public bool IsLinked => transport is VirtualStream;

    /// <summary>When it began to wait for a request, in ms as <see cref="Environment.TickCount64"/> counts them.</summary>
    public long IdleSince { get; private set; }

    /// <summary>How long the replica keeps it waiting, if it said so, in seconds.</summary>
    public int? IdleLimit { get; private set; }

    /// <summary>It is in use, and the pool is told when it is no more.</summary>
    public void Take() => Volatile.Write(ref _isTaken, 1);

    /// <summary>Sends a request and reads the head of its response.</summary>
    /// <exception cref="UnsendableRequestException">Nothing was sent.</exception>
    /// <exception cref="HttpRequestException">The replica closed the connection, or its response is invalid.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        _head.ResetWrittenCount();
        var (hasBody, length) = RequestHead.Write(request, _head);

        _cancellation = cancellationToken;
        _abort = cancellationToken.UnsafeRegister(static connection => ((Http1Connection)connection!).Dispose(), this);
        try
        {
            await stream.WriteAsync(_head.WrittenMemory, CancellationToken.None);
            return await (hasBody ? SendBodyAsync(request, length) : ReadResponseAsync(request));
        }
        catch (Exception exception)
        {
            Dispose();
            throw Explain(exception);
        }
    }

    /// <summary>Reads what comes, first what has come already. Waits for something to come when <paramref name="buffer"/> is empty.</summary>
    public ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        var buffered = ReadBuffered(buffer.Span);
        return buffered > 0 || _start < _end ? new(buffered) : stream.ReadAsync(buffer, CancellationToken.None);
    }

    /// <summary>Reads what has come already, without waiting.</summary>
    /// <returns>How many bytes; 0 if nothing has, or that cannot be known.</returns>
    public int ReadAvailable(Span<byte> buffer)
    {
        var buffered = ReadBuffered(buffer);
        return buffered > 0 || stream is not VirtualStream link ? buffered : link.ReadAvailable(buffer);
    }

    /// <summary>Writes to an upgraded connection.</summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> buffer) => stream.WriteAsync(buffer, CancellationToken.None);

    /// <summary>Reads a line that ends as RFC 9112 says, by CR and LF.</summary>
    /// <param name="longest">How long it may be, in bytes.</param>
    /// <returns>The line without its end, good until the next read.</returns>
    /// <exception cref="InvalidResponseException">It ends in another way, or not at all.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadLineAsync(int longest)
    {
        for (var searched = 0; ;)
        {
            var end = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (end >= 0)
            {
                end += searched;
                var line = _buffer.AsMemory(_start, end);
                _start += end + 1;
                return end > 0 && line.Span[^1] == '\r' && line.Span[..^1].IndexOf((byte)'\r') < 0
                    ? line[..^1]
                    : throw new InvalidResponseException("a line does not end with CR and LF");
            }

            searched = _end - _start;
            if (searched > longest)
            {
                throw new InvalidResponseException("a line is too long");
            }

            Received(await ReceiveAsync());
        }
    }

    /// <summary>Sends a request that is whole, for who then reads the response by <see cref="TryReadHead"/>.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> request)
    {
        (_cancellation, _abort) = (default, default);
        return stream.WriteAsync(request, CancellationToken.None);
    }

    /// <summary>
    /// Takes the head of a response from what has come. While there is no whole one, the caller awaits <see cref="ReceiveAsync"/> and
    /// hands its result to <see cref="Received"/>: without a method between that waits too, a request costs no garbage here.
    /// </summary>
    /// <param name="head">Its lines with their ends, the empty one too; good until the next read.</param>
    /// <exception cref="InvalidResponseException">A line does not end by CR and LF, or it is too long.</exception>
    public bool TryReadHead(out ReadOnlyMemory<byte> head)
    {
        while (_buffer.AsSpan(_start + _headRead, _end - _start - _headRead).IndexOf((byte)'\n') is >= 0 and var length)
        {
            if (length == 0 || _buffer[_start + _headRead + length - 1] != '\r')
            {
                throw new InvalidResponseException("a line does not end with CR and LF");
            }

            _headRead += length + 1;
            if (length == 1)
            {
                head = _buffer.AsMemory(_start, _headRead);
                _start += _headRead;
                _headRead = 0;
                return true;
            }
        }

        head = default;
        return _end - _start <= LongestHead ? false : throw new InvalidResponseException("its head is too long");
    }

    /// <summary>Reads more of what the replica sends.</summary>
    /// <returns>What <see cref="Received"/> is to be told.</returns>
    public ValueTask<int> ReceiveAsync()
    {
        if (_readsAhead)
        {
            var ahead = _ahead;
            (_readsAhead, _ahead) = (false, default);
            return ahead;
        }

        MakeRoom();
        return stream.ReadAsync(_buffer.AsMemory(_end), CancellationToken.None);
    }

    /// <summary>Something has come.</summary>
    /// <exception cref="HttpIOException">The replica closed the connection.</exception>
    public void Received(int length) =>
        _end += length > 0 ? length : throw new HttpIOException(HttpRequestError.ResponseEnded, "The replica closed the connection before it answered.");

    /// <summary>The response has been read to its end.</summary>
    public void End(ResponseControl control)
    {
        var uploaded = _body is null or { IsComplete: true };
        // Not disposed, because Dispose would wait for a cancellation in progress, which closes this connection.
        var isMine = !_cancellation.CanBeCanceled || _abort.Unregister();
        if (!uploaded)
        {
            // The replica has sent its whole response and does not read the rest of the body.
            _stopUpload!.Cancel();
        }

        if (!isMine || !uploaded || !control.KeepsConnection || _start < _end)
        {
            Dispose();
            return;
        }

        (_body, _stopUpload, _continue, _start, _end) = (null, null, null, 0, 0);
        if (_buffer.Length > 4 * BufferLength)
        {
            _buffer = new byte[BufferLength];
        }

        (IdleLimit, IdleSince) = (control.IdleLimit, Environment.TickCount64);
#pragma warning disable CA2012 // Awaited once, by the next call that fills the buffer.
        _ahead = stream.ReadAsync(_buffer);
#pragma warning restore CA2012
        _readsAhead = true;
        pool.Return(this);
        Release();
    }

    /// <summary>What to report of a failure: the cancellation that caused it, else the failure.</summary>
    public Exception Explain(Exception exception) =>
        _cancellation.IsCancellationRequested && exception is not OperationCanceledException
            ? new OperationCanceledException("The exchange with the replica was cancelled.", exception, _cancellation)
        : exception switch
        {
            LinkRefusedException refused => new HttpRequestException(HttpRequestError.ConnectionError, refused.Message, refused),
            HttpIOException io => new HttpRequestException(io.HttpRequestError, io.Message, io),
            ObjectDisposedException or SocketException => new IOException("The connection to the replica broke.", exception),
            _ => exception,
        };

    /// <inheritdoc/>
    public void Dispose()
    {
        stream.Dispose();
        transport.Dispose();
        Release();
    }

    private void Release()
    {
        if (Interlocked.Exchange(ref _isTaken, 0) == 1)
        {
            pool.Release();
        }
    }

    private async Task<HttpResponseMessage> SendBodyAsync(HttpRequestMessage request, long? length)
    {
        var body = _body = new RequestBody(stream, length);
        _stopUpload = new();
        var expects = request.Headers.NonValidated.Contains("Expect");
        _continue = expects ? new(TaskCreationOptions.RunContinuationsAsynchronously) : null;

        // Starts now, not after the body, because a replica may answer before it has read the whole body.
        var response = ReadResponseAsync(request);
        if (_continue is not null)
        {
            await Task.WhenAny(response, _continue.Task, Task.Delay(ContinueLimit, CancellationToken.None));
            if (response.IsCompleted)
            {
                return await response;
            }
        }

        var upload = UploadAsync(request.Content!, body, _stopUpload.Token);
        await Task.WhenAny(response, upload);
        if (upload.IsCompleted && await upload is { } failure)
        {
            _ = response.ContinueWith(static ended => ended.Exception, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously);
            throw failure;
        }

        return await response;
    }

    /// <summary>Sends a body.</summary>
    /// <returns>Why it could not be read, or null.</returns>
    private async Task<Exception?> UploadAsync(HttpContent content, RequestBody body, CancellationToken stop)
    {
        try
        {
            await content.CopyToAsync(body, null, stop);
            await body.FinishAsync();
            return null;
        }
        catch (Exception) when (body.Failure is not null || stop.IsCancellationRequested)
        {
            // If there is a response, it explains why.
            return null;
        }
        catch (Exception exception)
        {
            // A body that the client broke off must not look complete. After a complete body the response may have ended already, and the
            // connection may carry another request.
            if (!body.IsComplete)
            {
                Dispose();
            }

            return exception;
        }
    }

    private async Task<HttpResponseMessage> ReadResponseAsync(HttpRequestMessage request)
    {
        for (var interim = 0; interim < MostInterim; interim++)
        {
            var content = new ResponseContent();
            var head = new ResponseHead(request, content);
            await ReadHeadAsync(head);
            var control = head.Control;
            if (control.IsInterim)
            {
                if (control.Status is (int)HttpStatusCode.Continue)
                {
                    _continue?.TrySetResult();
                }

                continue;
            }

            if (control.Status is (int)HttpStatusCode.SwitchingProtocols)
            {
                content.Stream = request.Headers.NonValidated.Contains("Upgrade")
                    ? new UpgradedStream(this)
                    : throw new InvalidResponseException("it switches protocols, and nobody asked it to");
            }
            else if (control.Framing is ResponseFraming.None || control is { Framing: ResponseFraming.Length, Length: 0 })
            {
                End(control);
            }
            else
            {
                content.Stream = new ResponseBody(this, control, head.Response);
            }

            return head.Response;
        }

        throw new InvalidResponseException("it is put off again and again");
    }

    private async ValueTask ReadHeadAsync(ResponseHead head)
    {
        for (var length = 0; ;)
        {
            // Line by line, without a step of its own for each that is there.
            var line = await ReadLineAsync(LongestHead);
            if ((length += line.Length) > LongestHead)
            {
                throw new InvalidResponseException("its head is too long");
            }

            if (head.Add(line.Span))
            {
                return;
            }
        }
    }

    private int ReadBuffered(Span<byte> buffer)
    {
        var length = Math.Min(_end - _start, buffer.Length);
        _buffer.AsSpan(_start, length).CopyTo(buffer);
        _start += length;
        return length;
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
    }
}
