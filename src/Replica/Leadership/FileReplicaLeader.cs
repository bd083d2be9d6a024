using ClusterAspire.Replica.Identity;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Leadership;

/// <summary>
/// The leader holds a lock on a file (flock(2)). The operating system releases it when the process ends, in whatever way. The other
/// replicas try to take it at intervals.
/// </summary>
internal sealed partial class FileReplicaLeader(
    IOptions<ReplicaOptions> options, ReplicaIdentity identity, IHostApplicationLifetime application, TimeProvider time, ILogger<FileReplicaLeader> logger)
    : IReplicaLeader, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly TaskCompletionSource _leads = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private FileStream? _held;
    private ITimer? _tries;
    private bool _disposed;

    public bool IsLeader
    {
        get
        {
            Try();
            return _leads.Task.IsCompletedSuccessfully && !application.ApplicationStopping.IsCancellationRequested;
        }
    }

    public async Task<CancellationToken> LeadAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, application.ApplicationStopping);
        Try();
        await _leads.Task.WaitAsync(either.Token);
        either.Token.ThrowIfCancellationRequested();
        return application.ApplicationStopping;
    }

    /// <summary>Lets others lead.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _tries?.Dispose();
            _held?.Dispose();
        }
    }

    private void Try()
    {
        lock (_lock)
        {
            if (_held is not null || _disposed || application.ApplicationStopping.IsCancellationRequested)
            {
                return;
            }

            try
            {
                _held = new(options.Value.LeaderFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                _tries?.Dispose();
                Log.Leads(logger, identity.Name);
                _leads.TrySetResult();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (_tries is null && e is UnauthorizedAccessException)
                {
                    Log.MayNot(logger, identity.Name, options.Value.LeaderFile);
                }

                // Usually another replica holds it.
                _tries ??= time.CreateTimer(_ => Try(), null, Interval, Interval);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Replica} leads.")]
        public static partial void Leads(ILogger logger, string replica);

        [LoggerMessage(LogLevel.Warning, "{Replica} cannot lead, as it may not write {File}: name another by Replica:LeaderFile.")]
        public static partial void MayNot(ILogger logger, string replica, string file);
    }
}
