using System.Threading.Channels;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;

namespace ClusterAspire.Runner.Control;

/// <summary>Keeps the last of what replicas wrote and of what happened to them, for <c>logs</c> and <c>events</c>.</summary>
/// <param name="inner">Where all of it is shown.</param>
internal sealed class LogBook(IClusterOutput inner) : IClusterOutput
{
    private const int MostLines = 2000;
    private const int MostEvents = 500;

    // A reader that is further behind misses the oldest entries.
    private const int MostUnread = 10_000;

    private readonly Lock _lock = new();
    private readonly Queue<LogEntry> _lines = new();
    private readonly Queue<LogEntry> _events = new();
    private readonly List<Channel<LogEntry>> _readers = [];

    public void Line(string workload, string line)
    {
        inner.Line(workload, line);
        Add(_lines, MostLines, new(DateTimeOffset.UtcNow, workload, line));
    }

    public void Say(string message)
    {
        inner.Say(message);
        Add(_events, MostEvents, new(DateTimeOffset.UtcNow, null, message));
    }

    public void Warn(string message)
    {
        inner.Warn(message);
        Add(_events, MostEvents, new(DateTimeOffset.UtcNow, null, message));
    }

    public void Ready(ClusterPlan plan)
    {
        inner.Ready(plan);
        Add(_events, MostEvents, new(DateTimeOffset.UtcNow, null, "The cluster serves."));
    }

    /// <summary>The lines that are kept, and those to come where it follows.</summary>
    /// <param name="workload">Whose, or null for everybody's.</param>
    /// <param name="follows">Whether it goes on with what is yet to come.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public IAsyncEnumerable<LogEntry> LinesAsync(string? workload, bool follows, CancellationToken cancellationToken) =>
        ReadAsync(_lines, entry => entry.Workload is not null && (workload is null || entry.Workload == workload), follows, cancellationToken);

    /// <summary>The events that are kept, and those to come where it follows.</summary>
    /// <inheritdoc cref="LinesAsync"/>
    public IAsyncEnumerable<LogEntry> EventsAsync(bool follows, CancellationToken cancellationToken) =>
        ReadAsync(_events, entry => entry.Workload is null, follows, cancellationToken);

    private async IAsyncEnumerable<LogEntry> ReadAsync(
        Queue<LogEntry> kept, Func<LogEntry, bool> wanted, bool follows, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateBounded<LogEntry>(new BoundedChannelOptions(MostUnread) { FullMode = BoundedChannelFullMode.DropOldest });
        LogEntry[] before;
        lock (_lock)
        {
            before = [.. kept];
            if (follows)
            {
                _readers.Add(channel);
            }
        }

        try
        {
            foreach (var entry in before.Where(wanted))
            {
                yield return entry;
            }

            while (follows)
            {
                var entry = await channel.Reader.ReadAsync(cancellationToken);
                if (wanted(entry))
                {
                    yield return entry;
                }
            }
        }
        finally
        {
            lock (_lock)
            {
                _readers.Remove(channel);
            }
        }
    }

    private void Add(Queue<LogEntry> kept, int most, LogEntry entry)
    {
        lock (_lock)
        {
            kept.Enqueue(entry);
            if (kept.Count > most)
            {
                kept.Dequeue();
            }

            _readers.ForEach(reader => reader.Writer.TryWrite(entry));
        }
    }
}
