using System.Collections.Concurrent;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>
/// Recognizes requests that end the replicas they are sent to. A target that ended two replicas one after the other within
/// <see cref="Memory"/>, and that no replica answered, is refused for that time.
/// </summary>
/// <remarks>
/// When a replica dies, requests fail that did not cause it. These are not counted: a target that was answered lately; a request that
/// was sent before the first replica died, because the two may have died together; and a request to a replica that answers its next
/// probe as the same process, because that has not died.
/// </remarks>
internal sealed partial class PoisonList(BalancerEvents events, TimeProvider time, ILogger<PoisonList> logger)
{
    /// <summary>How long a target stays in the list.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    // Bounds the memory, as a client could invent any number of targets.
    private const int MostTargets = 1000;

    private const int AnsweredKept = 4096;

    private readonly ConcurrentDictionary<RequestTarget, TargetDeaths> _targets = new();

    // By hash: which target was answered last (upper half), and in which second (lower half). A collision forgets one early.
    private readonly long[] _answered = new long[AnsweredKept];

    /// <summary>Whether a request for this target is refused.</summary>
    /// <param name="target">Where it goes.</param>
    /// <param name="name">What the event calls it.</param>
    public bool Contains(RequestTarget target, Func<string> name)
    {
        if (!Refuses(target, out var deaths))
        {
            return false;
        }

        if (deaths.IsFirstReport())
        {
            var request = name();
            Log.Refused(logger, request, Memory.TotalSeconds);
            events.Poison(request, Memory);
        }

        return true;
    }

    /// <summary>Whether a request for this target is refused; without an event.</summary>
    public bool Refuses(RequestTarget target) => Refuses(target, out _);

    /// <summary>A replica answered a request for this target.</summary>
    public void Answered(RequestTarget target)
    {
        Volatile.Write(ref _answered[(uint)target.Hash % AnsweredKept], ((long)target.Hash << 32) | (uint)Second());
        if (!_targets.IsEmpty)
        {
            _targets.TryRemove(target, out _);
        }
    }

    /// <summary>A replica broke the connection while it had a request for this target.</summary>
    /// <param name="target">Where the request went.</param>
    /// <param name="replica">The replica.</param>
    /// <param name="run">The replica's <see cref="Upstream.Run"/> when the request was sent.</param>
    /// <param name="sentAt">When it was sent, as a timestamp.</param>
    public void Broke(RequestTarget target, Upstream replica, int run, long sentAt)
    {
        if (WasAnswered(target))
        {
            return;
        }

        if (_targets.Count >= MostTargets)
        {
            foreach (var (old, deaths) in _targets)
            {
                if (deaths.IsExpired(time))
                {
                    _targets.TryRemove(old, out _);
                }
            }
        }

        if (_targets.Count < MostTargets)
        {
            _targets.GetOrAdd(target, _ => new()).Add(new(replica, run, time.GetTimestamp()), sentAt);
        }
    }

    private bool Refuses(RequestTarget target, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out TargetDeaths? deaths)
    {
        deaths = null;
        return !_targets.IsEmpty && _targets.TryGetValue(target, out deaths) && deaths.Deaths(time) >= 2;
    }

    private bool WasAnswered(RequestTarget target)
    {
        var last = Volatile.Read(ref _answered[(uint)target.Hash % AnsweredKept]);
        return last != 0 && (int)(last >> 32) == target.Hash && Second() - (int)last <= (int)Memory.TotalSeconds;
    }

    private int Second() => (int)(time.GetTimestamp() / time.TimestampFrequency);

    private sealed record Death(Upstream Replica, int Run, long At)
    {
        // The same process has answered what was sent since.
        public bool IsRefuted => Replica.Run == Run && Replica.LivedAt > At;

        public bool IsSameAs(Death other) => Replica == other.Replica && Run == other.Run;
    }

    private sealed class TargetDeaths
    {
        private readonly List<Death> _deaths = [];
        private bool _reported;

        public void Add(Death death, long sentAt)
        {
            lock (_deaths)
            {
                if (_deaths.Count == 0 || (sentAt > _deaths[^1].At && !_deaths.Exists(known => known.IsSameAs(death))))
                {
                    _deaths.Add(death);
                }
            }
        }

        public int Deaths(TimeProvider time)
        {
            lock (_deaths)
            {
                return IsExpired(time) ? 0 : _deaths.Count(death => !death.IsRefuted);
            }
        }

        public bool IsExpired(TimeProvider time)
        {
            lock (_deaths)
            {
                _deaths.RemoveAll(death => time.GetElapsedTime(_deaths[^1].At) > Memory);
                _reported &= _deaths.Count > 0;
                return _deaths.Count == 0;
            }
        }

        public bool IsFirstReport()
        {
            lock (_deaths)
            {
                return !_reported && (_reported = true);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "{Request} ended two replicas one after the other: it is refused for {Seconds} s.")]
        public static partial void Refused(ILogger logger, string request, double seconds);
    }
}
