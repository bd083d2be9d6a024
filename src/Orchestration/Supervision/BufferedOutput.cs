using System.Globalization;
using ClusterAspire.Orchestration.Plan;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>
/// Queues output and writes it on a thread of its own, so that its callers neither wait for the terminal nor fail with it. Lines that
/// find no room or cannot be written are counted.
/// </summary>
public sealed class BufferedOutput : IClusterOutput, IDisposable
{
    // Lines may fill only a part of the queue, so that there is room for messages.
    private const int MostCharacters = 4_000_000;
    private const int LineLimit = 3_000_000;

    // The size of an entry without its text, in bytes.
    private const int Overhead = 100;

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(2);

    private readonly IClusterOutput _inner;
    private readonly Queue<(int Length, Action Write)> _queue = new();
    private readonly Thread _writer;
    private int _characters;
    private long _dropped;
    private bool _completed;

    /// <param name="inner">Where all of it is shown. Called by one thread at a time.</param>
    public BufferedOutput(IClusterOutput inner)
    {
        _inner = inner;
        _writer = new(Write) { IsBackground = true, Name = "Output" };
        _writer.Start();
    }

    /// <inheritdoc />
    public void Line(string workload, string line) => Add(workload.Length + line.Length, LineLimit, () => _inner.Line(workload, line));

    /// <inheritdoc />
    public void Say(string message) => Add(message.Length, MostCharacters, () => _inner.Say(message));

    /// <inheritdoc />
    public void Warn(string message) => Add(message.Length, MostCharacters, () => _inner.Warn(message));

    /// <inheritdoc />
    public void Ready(ClusterPlan plan) => Add(0, MostCharacters, () => _inner.Ready(plan));

    /// <summary>Writes what is queued; gives up when that takes longer than 2 s.</summary>
    public void Dispose()
    {
        lock (_queue)
        {
            _completed = true;
            Monitor.Pulse(_queue);
        }

        _writer.Join(FlushTimeout);
    }

    private void Add(int length, int most, Action write)
    {
        lock (_queue)
        {
            if (_characters + length + Overhead > most)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }

            _characters += length + Overhead;
            _queue.Enqueue((length + Overhead, write));
            Monitor.Pulse(_queue);
        }
    }

    private void Write()
    {
        while (Take() is { } write)
        {
            try
            {
                ReportDropped();
                write();
            }
            catch (Exception)
            {
                // For example, the disk is full or the terminal has gone. The next entry is tried again.
                Interlocked.Increment(ref _dropped);
            }
        }
    }

    private void ReportDropped()
    {
        if (Interlocked.Read(ref _dropped) is > 0 and var dropped)
        {
            _inner.Warn($"{dropped.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' ')} line{(dropped is 1 ? "" : "s")} dropped, as this output could not be written, or not as fast.");
            Interlocked.Add(ref _dropped, -dropped);
        }
    }

    private Action? Take()
    {
        lock (_queue)
        {
            while (_queue.Count is 0)
            {
                if (_completed)
                {
                    return null;
                }

                Monitor.Wait(_queue);
            }

            var (length, write) = _queue.Dequeue();
            _characters -= length;
            return write;
        }
    }
}
