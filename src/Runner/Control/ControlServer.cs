using System.IO.Pipes;
using System.Text.Json;
using ClusterAspire.Contract;

namespace ClusterAspire.Runner.Control;

/// <summary>Takes commands for a running cluster from its own user, and from nobody else.</summary>
internal sealed class ControlServer : IDisposable
{
    private const int LongestRequest = 16 * 1024;
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly string _path;
    private readonly Func<ControlRequest, Func<ControlReply, Task>, CancellationToken, Task> _handle;
    private NamedPipeServerStream _next;

    /// <param name="address">Where it listens.</param>
    /// <param name="handle">Does what is asked and replies; cancelled when the client leaves.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    public ControlServer(ControlAddress address, Func<ControlRequest, Func<ControlReply, Task>, CancellationToken, Task> handle)
    {
        (_path, _handle) = (address.Path, handle);
        if (!OperatingSystem.IsWindows())
        {
            // A runner that was killed left it behind. Its port is in the name, and this runner has that port now.
            File.Delete(_path);
        }

        _next = Listen();
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        _ = AcceptAsync();
    }

    /// <summary>Accepts no more commands. Those that have begun go on.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _next.Dispose();
        _stop.Dispose();
        if (!OperatingSystem.IsWindows())
        {
            // .NET keeps the file while a client is connected, and a client may wait for the end of this process.
            File.Delete(_path);
        }
    }

    // On Unix, a path as the name makes a socket at that path; CurrentUserOnly checks the user of each client.
    private NamedPipeServerStream Listen() => new(
        _path, PipeDirection.InOut, NamedPipeServerStream.MaxAllowedServerInstances, PipeTransmissionMode.Byte, PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                try
                {
                    await _next.WaitForConnectionAsync(_stop.Token);
                }
                catch (Exception e) when (e is UnauthorizedAccessException or IOException)
                {
                    // A client of another user, or one that has left already.
                    await _next.DisposeAsync();
                    _next = Listen();
                    continue;
                }

                var connected = _next;
                _next = Listen();
                _ = ServeAsync(connected);
            }
        }
        catch (Exception e) when (_stop.IsCancellationRequested && e is OperationCanceledException or ObjectDisposedException)
        {
            // The server was stopped.
        }
    }

    private async Task ServeAsync(NamedPipeServerStream connection)
    {
        await using var served = connection;
        using var left = new CancellationTokenSource();
        try
        {
            if (await ReadAsync(connection) is not { } request)
            {
                return;
            }

            // The client sends nothing more, so a read returns when it leaves.
            _ = WatchAsync(connection, left);
            await _handle(request, ReplyAsync, left.Token);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The client has left.
        }

        async Task ReplyAsync(ControlReply reply) =>
            await connection.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(reply, ContractJson.Default.ControlReply), (byte)'\n'], left.Token);
    }

    private static async Task WatchAsync(NamedPipeServerStream connection, CancellationTokenSource left)
    {
        try
        {
            _ = await connection.ReadAsync(new byte[1]);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // A broken connection counts as having left.
        }

        try
        {
            await left.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // The request has been answered meanwhile.
        }
    }

    private static async Task<ControlRequest?> ReadAsync(NamedPipeServerStream connection)
    {
        using var limit = new CancellationTokenSource(RequestLimit);
        var buffer = new byte[LongestRequest];
        for (var length = 0; length < buffer.Length;)
        {
            var count = await connection.ReadAsync(buffer.AsMemory(length), limit.Token);
            if (count is 0)
            {
                return null;
            }

            length += count;
            if (buffer.AsSpan(0, length).IndexOf((byte)'\n') is >= 0 and var end)
            {
                try
                {
                    return JsonSerializer.Deserialize(buffer.AsSpan(0, end), ContractJson.Default.ControlRequest);
                }
                catch (JsonException)
                {
                    return null;
                }
            }
        }

        return null;
    }
}
