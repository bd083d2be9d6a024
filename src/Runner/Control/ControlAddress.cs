using System.Net.Sockets;
using ClusterAspire.Orchestration;

namespace ClusterAspire.Runner.Control;

/// <summary>
/// Where a running cluster takes its owner's commands: a Unix domain socket in a folder that is the user's alone, or on
/// Windows a named pipe.
/// </summary>
/// <param name="Name">The cluster's name.</param>
/// <param name="Port">Its public port, which no other cluster of this machine has.</param>
/// <param name="Path">The socket's path, or the pipe's name.</param>
internal sealed record ControlAddress(string Name, int Port, string Path)
{
    private const string Prefix = "clusteraspire";
    private const string Extension = ".sock";
    private const string Pipes = @"\\.\pipe\";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The file beside it that tells the load balancer of its destinations.</summary>
    public string DestinationsFile => System.IO.Path.Combine(Folder(), $"{Name}-{Port}.destinations.json");

    /// <summary>The address of a cluster of this user that is to run; its folder is made.</summary>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is somebody else's.</exception>
    public static ControlAddress Of(string name, int port)
    {
        var folder = Folder();
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return new(name, port, $"{Prefix}-{Environment.UserName}-{name}-{port}");
        }

        Directory.CreateDirectory(folder, OwnerOnly);
        // Fails when another user has made the folder before.
        File.SetUnixFileMode(folder, OwnerOnly);
        return new(name, port, System.IO.Path.Combine(folder, $"{name}-{port}{Extension}"));
    }

    /// <summary>Locks it for one run. The operating system releases the lock when the process ends.</summary>
    /// <returns>What to dispose at the end.</returns>
    /// <exception cref="ClusterException">Another run has it, which may be draining.</exception>
    public IDisposable Claim()
    {
        var file = System.IO.Path.Combine(Folder(), $"{Name}-{Port}.lock");
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
        }
        catch (IOException) when (File.Exists(file))
        {
            throw new ClusterException($"{this} has not ended yet: clusteraspire stop ends it and returns when it has; another beside it needs another --port and --admin-port.");
        }
    }

    /// <summary>The addresses of this user's clusters that run.</summary>
    public static IReadOnlyList<ControlAddress> Running()
    {
        if (OperatingSystem.IsWindows())
        {
            var own = $"{Prefix}-{Environment.UserName}-";
            return [.. Directory.GetFiles(Pipes).Select(System.IO.Path.GetFileName).OfType<string>().Where(pipe => pipe.StartsWith(own, StringComparison.Ordinal)).Select(pipe => Parse(pipe[own.Length..], pipe)).OfType<ControlAddress>()];
        }

        // Units of systemd have folders of their own below the second.
        return Below(Folder()) is { Count: > 0 } here ? here : Below($"/run/{Prefix}");

        static IReadOnlyList<ControlAddress> Below(string folder) => !Directory.Exists(folder) ? [] :
        [
            .. from socket in Directory.EnumerateFiles(folder, $"*{Extension}", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 })
               let address = Parse(System.IO.Path.GetFileNameWithoutExtension(socket), socket)
               where address?.IsListenedAt is true
               select address,
        ];
    }

    // A runner that was killed leaves its socket behind.
    private bool IsListenedAt
    {
        get
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(Path));
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }

    /// <summary>How messages name it.</summary>
    public override string ToString() => $"{Name} (--port {Port})";

    private static ControlAddress? Parse(string name, string path) =>
        name.LastIndexOf('-') is > 0 and var dash && int.TryParse(name[(dash + 1)..], out var port) ? new(name[..dash], port, path) : null;

    private static string Folder()
    {
        if (Environment.GetEnvironmentVariable("RUNTIME_DIRECTORY") is { Length: > 0 } unit)
        {
            return unit.Split(':')[0];
        }

        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } session)
        {
            return System.IO.Path.Combine(session, Prefix);
        }

        // In /tmp anybody may make a folder first, and root would not notice whose it is.
        return Environment.UserName is "root" && Directory.Exists("/run")
            ? $"/run/{Prefix}"
            : System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Prefix}-{Environment.UserName}");
    }
}
