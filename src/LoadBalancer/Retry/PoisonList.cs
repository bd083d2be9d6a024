using System.Collections.Concurrent;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;

namespace ClusterAspire.LoadBalancer.Retry;

/// <summary>
/// Recognizes requests that end the replicas they are sent to: what ended two of them, one after the other, within
/// <see cref="Memory"/> and was answered by none is refused for as long.
/// </summary>
/// <remarks>
/// A replica that dies takes innocent requests with it. What tells them apart: a target that was answered lately is innocent; so
/// is a request that was on its way before the first replica died, for the two may have died together; and a replica that
/// answers its next probe as the same process has not died.
/// </remarks>
internal sealed partial class PoisonList(BalancerEvents events, TimeProvider time, ILogger<PoisonList> logger)
{
    /// <summary>How long it remembers.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    // Deaths are rare; who makes up targets at will cannot fill the memory with them.
    private const int MostSuspects = 1000;

    private const int AnsweredKept = 4096;

    private readonly ConcurrentDictionary<RequestTarget, Suspect> _suspects = new();

    // By hash: which target was answered last (upper half), and in which second (lower half). A collision forgets one early.
    private readonly long[] _answered = new long[AnsweredKept];

    /// <summary>Whether a request for this target is to be refused.</summary>
    /// <param name="target">Where it goes.</param>
    /// <param name="name">What the event calls it.</param>
    public bool Contains(RequestTarget target, Func<string> name)
    {
        if (!Refuses(target, out var suspect))
        {
            return false;
        }

        if (suspect.IsNamedNow())
        {
            var request = name();
            Log.Refused(logger, request, Memory.TotalSeconds);
            events.Poison(request, Memory);
        }

        return true;
    }

    /// <summary>Whether a request for this target is to be refused; without an event.</summary>
    public bool Refuses(RequestTarget target) => Refuses(target, out _);

    /// <summary>A replica answered a request for this target.</summary>
    public void Answered(RequestTarget target)
    {
        Volatile.Write(ref _answered[(uint)target.Hash % AnsweredKept], ((long)target.Hash << 32) | (uint)Second());
        if (!_suspects.IsEmpty)
        {
            _suspects.TryRemove(target, out _);
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

        if (_suspects.Count >= MostSuspects)
        {
            foreach (var (old, suspect) in _suspects)
            {
                if (suspect.IsForgotten(time))
                {
                    _suspects.TryRemove(old, out _);
                }
            }
        }

        if (_suspects.Count < MostSuspects)
        {
            _suspects.GetOrAdd(target, _ => new()).Add(new(replica, run, time.GetTimestamp()), sentAt);
        }
    }

    private bool Refuses(RequestTarget target, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Suspect? suspect)
    {
        suspect = null;
        return !_suspects.IsEmpty && _suspects.TryGetValue(target, out suspect) && suspect.Deaths(time) >= 2;
    }

    private bool WasAnswered(RequestTarget target)
    {
        var last = Volatile.Read(ref _answered[(uint)target.Hash % AnsweredKept]);
        return last != 0 && (int)(last >> 32) == target.Hash && Second() - (int)last <= (int)Memory.TotalSeconds;
    }

    private int Second() => (int)(time.GetTimestamp() / time.TimestampFrequency);

    private sealed record Death(Upstream Replica, int Run, long At)
    {
        // As the same process it has answered since.
        public bool IsRefuted => Replica.Run == Run && Replica.AnsweredAt > At;

        public bool IsSameAs(Death other) => Replica == other.Replica && Run == other.Run;
    }

    private sealed class Suspect
    {
        private readonly List<Death> _deaths = [];
        private bool _named;

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
                return IsForgotten(time) ? 0 : _deaths.Count(death => !death.IsRefuted);
            }
        }

        public bool IsForgotten(TimeProvider time)
        {
            lock (_deaths)
            {
                _deaths.RemoveAll(death => time.GetElapsedTime(_deaths[^1].At) > Memory);
                _named &= _deaths.Count > 0;
                return _deaths.Count == 0;
            }
        }

        public bool IsNamedNow()
        {
            lock (_deaths)
            {
                return !_named && (_named = true);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "{Request} ended two replicas one after the other: it is refused for {Seconds} s.")]
        public static partial void Refused(ILogger logger, string request, double seconds);
    }
}
