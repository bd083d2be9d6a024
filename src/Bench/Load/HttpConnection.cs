using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ClusterAspire.Bench;

/// <summary>One keep-alive HTTP/1.1 connection that sends a request once and only once.</summary>
/// <remarks>
/// Not HttpClient: that one silently repeats a request whose pooled connection breaks, which hides the very failures that
/// the kill and crash scenarios count.
/// </remarks>
internal sealed class HttpConnection : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[8192];
    private bool _keepAlive = true;
    private int _start;
    private int _end;

    private HttpConnection()
    {
    }

    /// <summary>Whether another request may be sent: the server has not closed it, nor said that it will.</summary>
    public bool IsOpen => _keepAlive && !_socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Connects.</summary>
    /// <exception cref="SocketException">Nobody accepts.</exception>
    public static async Task<HttpConnection> OpenAsync(EndPoint server, CancellationToken cancellationToken)
    {
        var connection = new HttpConnection();
        try
        {
            await connection._socket.ConnectAsync(server, cancellationToken);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request and reads its answer to the end.</summary>
    /// <returns>The status code.</returns>
    /// <exception cref="IOException">The connection ended before the answer did.</exception>
    /// <exception cref="SocketException">The connection broke.</exception>
    public async ValueTask<int> SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        for (var sent = 0; sent < request.Length;)
        {
            sent += await _socket.SendAsync(request[sent..], SocketFlags.None, cancellationToken);
        }

        var status = int.Parse((await ReadLineAsync(cancellationToken)).AsSpan(9, 3), CultureInfo.InvariantCulture);
        long? length = null;
        var chunked = false;
        for (var line = await ReadLineAsync(cancellationToken); line.Length > 0; line = await ReadLineAsync(cancellationToken))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var name = line.AsSpan(0, colon);
            var value = line.AsSpan(colon + 1).Trim();
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            {
                length = long.Parse(value, CultureInfo.InvariantCulture);
            }
            else if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
            {
                chunked = value.Equals("chunked", StringComparison.OrdinalIgnoreCase);
            }
            else if (name.Equals("Connection", StringComparison.OrdinalIgnoreCase))
            {
                _keepAlive = !value.Equals("close", StringComparison.OrdinalIgnoreCase);
            }
        }

        if (chunked)
        {
            await SkipChunksAsync(cancellationToken);
        }
        else if (length is { } known)
        {
            await SkipAsync(known, cancellationToken);
        }
        else
        {
            _keepAlive = false;
        }

        return status;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private async ValueTask SkipChunksAsync(CancellationToken cancellationToken)
    {
        const int LineEnd = 2;
        long size;
        do
        {
            size = long.Parse(await ReadLineAsync(cancellationToken), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            await SkipAsync(size + LineEnd, cancellationToken);
        }
        while (size > 0);
    }

    private async ValueTask SkipAsync(long count, CancellationToken cancellationToken)
    {
        while (count > _end - _start)
        {
            count -= _end - _start;
            _start = _end;
            await FillAsync(cancellationToken);
        }

        _start += (int)count;
    }

    private async ValueTask<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        int length;
        while ((length = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8)) < 0)
        {
            await FillAsync(cancellationToken);
        }

        var line = Encoding.Latin1.GetString(_buffer, _start, length);
        _start += length + 2;
        return line;
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            throw new IOException("A header line is too long.");
        }

        var read = await _socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, cancellationToken);
        if (read == 0)
        {
            throw new IOException("The connection was closed.");
        }

        _end += read;
    }
}
