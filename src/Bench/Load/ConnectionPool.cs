using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ClusterAspire.Bench;

/// <summary>Sends GET requests over as many keep-alive connections as are needed at a time.</summary>
internal sealed class ConnectionPool(Uri target, string path, int maxConnections) : IDisposable
{
    private readonly DnsEndPoint _server = new(target.Host, target.Port);
    private readonly byte[] _request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {target.Authority}\r\n\r\n");
    private readonly SemaphoreSlim _places = new(maxConnections);
    private readonly ConcurrentStack<HttpConnection> _idle = [];

    /// <summary>Sends one request, once the number of connections allows.</summary>
    /// <returns>Why it failed, or null when it was answered 200.</returns>
    public async Task<string?> SendAsync(CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        HttpConnection? connection = null;
        try
        {
            connection = TakeIdle() ?? await HttpConnection.OpenAsync(_server, cancellationToken);
            var status = await connection.SendAsync(_request, cancellationToken);
            if (connection.IsOpen)
            {
                _idle.Push(connection);
                connection = null;
            }

            return status == 200 ? null : $"HTTP {status}";
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode is SocketError.ConnectionRefused ? "connection refused" : "connection lost";
        }
        catch (IOException)
        {
            return "connection lost";
        }
        finally
        {
            connection?.Dispose();
            _places.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_idle.TryPop(out var connection))
        {
            connection.Dispose();
        }

        _places.Dispose();
    }

    private HttpConnection? TakeIdle()
    {
        while (_idle.TryPop(out var connection))
        {
            if (connection.IsOpen)
            {
                return connection;
            }

            connection.Dispose();
        }

        return null;
    }
}
