using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.Replica.Supervision;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace ClusterAspire.LoadBalancer.Holding;

/// <summary>
/// Listens, and runs the load balancer as a child process that accepts. When that is killed or crashes, clients that connect wait in
/// the sockets' queues for the next one.
/// </summary>
/// <remarks>As a container's first process it loads nothing of ASP.NET Core: its memory comes on top of the load balancer's.</remarks>
internal sealed partial class SocketHolder : IDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;

    // What Process says of one that a signal has ended is 128 + the signal's number.
    private const int Killed = 128;

    private const int MostInARow = 5;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);

    // One that ended after this time is not in a crash loop.
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(10);

    // What signals a whole process group and then its leader means one stop.
    private static readonly TimeSpan SameStop = TimeSpan.FromSeconds(1);

    private readonly string[] _args;
    private readonly List<SafeFileHandle> _sockets;
    private readonly SupervisorWatcher _supervisor;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private Process? _balancer;
    private long _stoppedAt;

    private SocketHolder(string[] args, List<SafeFileHandle> sockets, SupervisorOptions supervisor)
    {
        (_args, _sockets) = (args, sockets);
        _supervisor = new(Options.Create(supervisor));
    }

    /// <summary>Listens where the load balancer is to, if the options ask for it.</summary>
    /// <param name="args">The load balancer's arguments.</param>
    /// <returns>Null when they do not ask, or when there is a mistake: the load balancer, run in this process, says which.</returns>
    public static SocketHolder? TryCreate(string[] args)
    {
        if (OperatingSystem.IsWindows()
            || Read(args) is not { } configuration
            || Get<LoadBalancerOptions>(configuration.WithAnyAddress(), LoadBalancerOptions.Section) is not { HoldSockets: true, Sockets.Count: 0, Url.IsAbsoluteUri: true, AdminUrl.IsAbsoluteUri: true } options
            || Get<SupervisorOptions>(configuration, SupervisorOptions.Section) is not { } supervisor)
        {
            return null;
        }

        List<SafeFileHandle> sockets = [];
        try
        {
            foreach (var endPoint in EndPoints(options))
            {
                try
                {
                    using var socket = ListenAddress.Listen(endPoint);
                    // Unlike the socket's own descriptor, a duplicate is passed on to child processes.
                    sockets.Add(new(Duplicate((int)socket.Handle), ownsHandle: true));
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
                {
                    // localhost may have one family only. The load balancer tries it too, and says what it lacks.
                }
            }

            return sockets.Count > 0 ? new(args, sockets, supervisor) : null;
        }
        catch (SocketException)
        {
            sockets.ForEach(socket => socket.Dispose());
            return null;
        }
    }

    /// <summary>Runs load balancers, one after the other, until one ends by itself, all end at once, or this process is told to stop.</summary>
    /// <returns>The last one's exit code, 128 + the signal's number if a signal ended it.</returns>
    public async Task<int> RunAsync()
    {
        PosixSignal[] signals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP];
        var registrations = Array.ConvertAll(signals, signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            Stop();
        }));
        try
        {
            await _supervisor.StartAsync(_stopping.Token);
            var exitCode = 0;
            for (var inARow = 1; TryStart() is { } balancer; inARow++)
            {
                var started = Stopwatch.GetTimestamp();
                using (balancer)
                {
                    await balancer.WaitForExitAsync();
                    exitCode = balancer.ExitCode;
                }

                inARow = Stopwatch.GetElapsedTime(started) < Stable ? inARow : 1;
                if (exitCode <= Killed || _stopping.IsCancellationRequested)
                {
                    break;
                }

                if (inARow == MostInARow)
                {
                    await Console.Error.WriteLineAsync($"The load balancer has ended {MostInARow} times in a row, at last with exit code {exitCode}: giving up.");
                    break;
                }

                await Console.Error.WriteLineAsync($"The load balancer has ended with exit code {exitCode}: another one starts, and clients that connect wait for it.");
                await Task.Delay(FirstDelay * (1 << (inARow - 1)), _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            return exitCode;
        }
        finally
        {
            Array.ForEach(registrations, registration => registration.Dispose());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _stopping.Dispose();
    }

    // As the web application's builder reads it; null when it cannot be read.
    private static IConfiguration? Read(string[] args)
    {
        try
        {
            var environment = Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") ?? "Production";
            return new ConfigurationBuilder()
                .SetBasePath(AppContext.BaseDirectory)
                .AddJsonFile("appsettings.json", optional: true)
                .AddJsonFile($"appsettings.{environment}.json", optional: true)
                .AddEnvironmentVariables()
                .AddCommandLine(args)
                .Build();
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            return null;
        }
    }

    // Null when a value cannot be read.
    private static T? Get<T>(IConfiguration configuration, string section)
        where T : class, new()
    {
        try
        {
            return configuration.GetSection(section).Get<T>() ?? new();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static IEnumerable<EndPoint> EndPoints(LoadBalancerOptions options)
    {
        var addresses = options.ListenAddresses.ToList();
        if (!addresses.Exists(address => address.Covers(options.Url)))
        {
            addresses.Add(Parse(options.Url));
        }

        return addresses.Append(Parse(options.AdminUrl)).SelectMany(address => address.EndPoints()).Distinct();
    }

    private static ListenAddress Parse(Uri url) => new(url.OriginalString, false, url.Host, url.Port, null);

    // Null when it is to stop.
    private Process? TryStart()
    {
        lock (_lock)
        {
            return _balancer = _stopping.IsCancellationRequested ? null : Start();
        }
    }

    private Process Start()
    {
        var program = Environment.ProcessPath!;
        // A program that the dotnet command runs is its first argument.
        string[] assembly = Path.GetFileNameWithoutExtension(program) is "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        var start = new ProcessStartInfo(program, [.. assembly, .. _args]);
        foreach (var (i, socket) in _sockets.Index())
        {
            start.Environment[$"{Variables.LoadBalancerSockets}{i}"] = $"{socket.DangerousGetHandle()}";
        }

        start.Environment[Variables.SupervisorPid] = $"{Environment.ProcessId}";
        return Process.Start(start)!;
    }

    private void Stop()
    {
        lock (_lock)
        {
            if (!_stopping.IsCancellationRequested)
            {
                _stoppedAt = Stopwatch.GetTimestamp();
                _stopping.Cancel();
                // From now on the load balancer's are the only ones: when it accepts no more, clients are refused and do not wait.
                Close();
                Tell(SigTerm);
            }
            else if (Stopwatch.GetElapsedTime(_stoppedAt) > SameStop)
            {
                Tell(SigKill);
            }
        }
    }

    private void Tell(int signal)
    {
        try
        {
            if (_balancer is { HasExited: false })
            {
                _ = Signal(_balancer.Id, signal);
            }
        }
        catch (InvalidOperationException)
        {
            // It has ended and was disposed of.
        }
    }

    private void Close() => _sockets.ForEach(socket => socket.Dispose());

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int pid, int signal);
}
