using System.Net.Sockets;

namespace ClusterAspire.Replica.Link;

/// <summary>A Unix socket under a name that nobody else has, in a directory that only this user can open.</summary>
internal sealed class LinkSocket : IDisposable
{
    private const string Extension = ".link";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    // A process that has just created its socket may not listen yet.
    private static readonly TimeSpan Young = TimeSpan.FromMinutes(1);

    private readonly Socket _socket;

    private LinkSocket(Socket socket, string path) => (_socket, Path) = (socket, path);

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Makes one; null where none can be made.</summary>
    public static LinkSocket? Create()
    {
        if (OperatingSystem.IsWindows() || !Socket.OSSupportsUnixDomainSockets)
        {
            return null;
        }

        Socket? socket = null;
        try
        {
            var directory = Directory.CreateDirectory(System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"clusteraspire-{Environment.UserName}"), OwnerOnly);
            if (directory.UnixFileMode != OwnerOnly)
            {
                // Another process may have created it.
                return null;
            }

            RemoveAbandoned(directory);
            var path = System.IO.Path.Combine(directory.FullName, $"{Guid.NewGuid():N}{Extension}");
            socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen();
            return new(socket, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException or ArgumentException)
        {
            // The directory is read-only, or its path is too long for a socket's name: TCP is used.
            socket?.Dispose();
            return null;
        }
    }

    /// <summary>Accepts a connection.</summary>
    /// <exception cref="SocketException">It was disposed.</exception>
    public ValueTask<Socket> AcceptAsync(CancellationToken cancellationToken) => _socket.AcceptAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket.Dispose();
        File.Delete(Path);
    }

    // Removes the sockets of processes that were killed.
    private static void RemoveAbandoned(DirectoryInfo directory)
    {
        foreach (var file in directory.EnumerateFiles($"*{Extension}").Where(file => DateTime.UtcNow - file.LastWriteTimeUtc > Young))
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                probe.Connect(new UnixDomainSocketEndPoint(file.FullName));
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
            {
                file.Delete();
            }
            catch (SocketException)
            {
                // Another process has removed it.
            }
        }
    }
}
