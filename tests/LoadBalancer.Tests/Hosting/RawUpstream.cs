using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>A replica made of bare sockets, which can die, fall silent and close connections as no web server would.</summary>
internal sealed class RawUpstream : IUpstream, IDisposable
{
    private readonly TcpListener _listener;
    private readonly ConcurrentDictionary<TcpClient, bool> _connections = new();
    private readonly DateTimeOffset _startedAt = DateTimeOffset.UtcNow;
    private readonly Func<RawUpstream, string, string?> _answer;

    /// <summary>Starts it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="answer">The body it answers to a path; null closes the connection.</param>
    /// <param name="port">Where it listens; 0 for a free port.</param>
    public RawUpstream(string name, Func<RawUpstream, string, string?> answer, int port = 0)
    {
        (Name, _answer) = (name, answer);
        _listener = new(IPAddress.Loopback, port);
        _listener.Start();
        Address = new($"http://{_listener.LocalEndpoint}");
        _ = AcceptAsync();
    }

    public string Name { get; }

    public Uri Address { get; }

    /// <summary>The requests it got, but for probes: method and path.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Whether it reads and answers nothing any more, as a process that is stopped.</summary>
    public bool IsSilent { get; set; }

    public bool IsDead { get; private set; }

    public int OpenConnections => _connections.Count;

    /// <summary>Ends as a process does that is killed.</summary>
    public void Die()
    {
        IsDead = true;
        _listener.Stop();
        foreach (var connection in _connections.Keys)
        {
            connection.Dispose();
        }
    }

    public void Dispose() => Die();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                _connections[client] = true;
                if (IsDead)
                {
                    client.Dispose();
                }

                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
            while (await reader.ReadLineAsync() is { } line)
            {
                var length = 0;
                while (await reader.ReadLineAsync() is { Length: > 0 } header)
                {
                    length = header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) ? int.Parse(header[15..]) : length;
                }

                if (length > 0)
                {
                    // Nothing to read would wait for something.
                    await reader.ReadBlockAsync(new char[length]);
                }

                var (method, path) = (line.Split(' ')[0], line.Split(' ')[1]);
                if (path != "/health")
                {
                    Requests.Enqueue($"{method} {path}");
                }

                if (IsSilent)
                {
                    // Until the other side gives up.
                    await reader.ReadToEndAsync();
                    return;
                }

                var body = path == "/health" ? $$"""{"status":"Healthy","name":"{{Name}}","pid":1,"startedAt":"{{_startedAt:O}}"}""" : _answer(this, path);
                if (body is null)
                {
                    return;
                }

                await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(
                    $"HTTP/1.1 200 OK\r\nContent-Type: {(path == "/health" ? "application/json" : "text/plain")}\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
        }
        finally
        {
            client.Dispose();
            _connections.TryRemove(client, out _);
        }
    }
}
