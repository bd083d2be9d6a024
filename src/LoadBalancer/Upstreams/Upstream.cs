using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Discovery;
using ClusterAspire.LoadBalancer.Telemetry;
using Yarp.ReverseProxy.Model;

namespace ClusterAspire.LoadBalancer.Upstreams;

/// <summary>What the load balancer knows of one destination beyond what YARP keeps.</summary>
internal sealed class Upstream(DestinationState destination, TimeProvider time)
{
    /// <summary>A replica away for longer than this is called down, not restarting: the longest restart back-off, in seconds.</summary>
    private static readonly TimeSpan RestartLimit = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly LoadHistory _load = new(time);
    private ReplicaHealth _report = new();
    private Availability _availability = Availability.Unknown;
    private long _awaySince;
    private int _inFlight;
    private int _computeInFlight;
    private long _computeSince;
    private int _restarts;
    private int _run;
    private int _upgraded;
    private long _answeredAt;
    private long _livedAt;
    private volatile bool _served;

    /// <summary>YARP's destination.</summary>
    public DestinationState Destination => destination;

    /// <summary>The name it gives itself, else the one its destination has.</summary>
    public string Name =>
        _report.Name ?? destination.Model.Config.Metadata?.GetValueOrDefault(DestinationMetadata.Name) ?? destination.DestinationId;

    /// <summary>Where it listens.</summary>
    public string Address => destination.Model.Config.Address;

    /// <summary>The core it is pinned to, if it said so.</summary>
    public int? Core => _report.Core;

    /// <summary>Its process id, if it said so.</summary>
    public int? Pid => _report.Pid;

    /// <summary>The container or pod it runs in, if it said so.</summary>
    public string? Container => _report.Container;

    /// <summary>When its process started, if it said so.</summary>
    public DateTimeOffset? StartedAt => _report.StartedAt;

    /// <summary>How many compute requests it takes at a time.</summary>
    public int Slots => Math.Max(1, _report.Cores ?? 1);

    /// <summary>How often it came back as another process.</summary>
    public int Restarts => Volatile.Read(ref _restarts);

    /// <summary>Requests it is working on.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Connections to it that have become ones of another protocol, such as WebSockets.</summary>
    public int Upgraded => Volatile.Read(ref _upgraded);

    /// <summary>Compute requests it is working on, each holding a slot.</summary>
    public int ComputeInFlight => Volatile.Read(ref _computeInFlight);

    /// <summary>How long its slots have been in use without a break, or null when none is.</summary>
    public TimeSpan? ComputeRunning => ComputeInFlight == 0 ? null : time.GetElapsedTime(Volatile.Read(ref _computeSince));

    /// <summary>Whether it can take a compute request now: a slot is free, and its lane is not stuck.</summary>
    public bool HasFreeSlot => ComputeInFlight < Slots && !IsStuck;

    /// <summary>Whether its compute lane makes no progress, as it says itself.</summary>
    public bool IsStuck => _report.Lane is { IsStuck: true };

    /// <summary>The routes whose requests occupy a core, as it names them.</summary>
    public IReadOnlyList<ComputeRoute> ComputeRoutes => _report.ComputeRoutes ?? [];

    /// <summary>Which of its processes it is, counted as far as they were seen to come and go.</summary>
    public int Run => Volatile.Read(ref _run);

    /// <summary>The timestamp of its last answer, to a probe or to a request; 0 before the first.</summary>
    public long AnsweredAt => Volatile.Read(ref _answeredAt);

    /// <summary>The latest timestamp at which it is known to have lived: when what it answered was sent. 0 before the first answer.</summary>
    public long LivedAt => Volatile.Read(ref _livedAt);

    /// <summary>Whether new requests may go to it: it answered its last probe as ready, or has not been probed yet.</summary>
    public bool IsAvailable => _availability is Availability.Unknown or Availability.Ready;

    /// <summary>Whether it has not been probed yet.</summary>
    public bool IsUnknown => _availability is Availability.Unknown;

    /// <summary>Whether it has served and now reports that it is unhealthy, or answers nothing. One that refuses connections counts as gone.</summary>
    public bool LooksUnhealthy => _served && _availability is Availability.Silent or Availability.Unhealthy;

    /// <summary>Whether it was declared gone because it answered nothing.</summary>
    public bool IsSilent => _availability is Availability.Silent;

    /// <summary>Whether it has been told to end.</summary>
    public bool IsTerminating => destination.IsTerminating();

    /// <summary>Latencies of its light requests.</summary>
    public LatencyHistory Light { get; } = new(time);

    /// <summary>Latencies of its compute requests, without their wait in the queue.</summary>
    public LatencyHistory Compute { get; } = new(time);

    /// <summary>What it is doing.</summary>
    public ReplicaState State => _availability switch
    {
        Availability.Unknown => ReplicaState.Starting,
        Availability.Ready when IsTerminating => ReplicaState.Draining,
        Availability.Ready => HasFreeSlot ? ReplicaState.Ready : ReplicaState.Busy,
        Availability.Draining => ReplicaState.Draining,
        Availability.Gone or Availability.Silent when _report.Pid is null => ReplicaState.Starting,
        Availability.Gone or Availability.Silent when time.GetElapsedTime(Volatile.Read(ref _awaySince)) < RestartLimit => ReplicaState.Restarting,
        _ => ReplicaState.Down,
    };

    /// <summary>Its figures.</summary>
    public ReplicaStatus Status => new(
        Name,
        Address,
        Core,
        Pid,
        Container,
        State,
        Restarts,
        InFlight,
        Slots,
        ComputeInFlight,
        ComputeRunning?.TotalSeconds,
        IsStuck,
        Light.Status,
        Compute.Status);

    /// <summary>It answered that it serves.</summary>
    /// <returns>Whether that changed what it is available for.</returns>
    public bool Serves(ReplicaHealth report)
    {
        lock (_lock)
        {
            // A different name means a different replica: a new pod may get the address of an old one.
            if (_report.StartedAt is { } last && report.StartedAt is { } now && last != now && _report.Name == report.Name)
            {
                _restarts++;
                _run++;
            }

            var before = (_report.Cores, IsStuck);
            _report = report;
            _served = true;
            _load.Become(Share);
            return Become(Availability.Ready) || before != (_report.Cores, IsStuck);
        }
    }

    /// <summary>It answered that it does not serve.</summary>
    /// <inheritdoc cref="Serves" path="/returns"/>
    public bool Refuses(ReplicaHealth report) =>
        Become(report.Status is ReplicaHealth.Draining ? Availability.Draining : Availability.Unhealthy);

    /// <summary>It refuses connections.</summary>
    /// <inheritdoc cref="Serves" path="/returns"/>
    public bool IsGone() => Become(Availability.Gone);

    /// <summary>It answers nothing.</summary>
    /// <inheritdoc cref="Serves" path="/returns"/>
    public bool BecomesSilent() => Become(Availability.Silent);

    /// <summary>It answered a request. If it was silent until then, it is available again.</summary>
    /// <param name="answeredAt">When, as a timestamp.</param>
    /// <inheritdoc cref="Serves" path="/returns"/>
    public bool AnswersAgain(long answeredAt) => IsSilent && answeredAt > Volatile.Read(ref _awaySince) && Become(Availability.Ready);

    /// <summary>It answered a probe or a request.</summary>
    /// <param name="sentAt">When that was sent to it, as a timestamp.</param>
    /// <param name="answeredAt">When it answered, as a timestamp.</param>
    public void Answered(long sentAt, long answeredAt)
    {
        Raise(ref _livedAt, sentAt);
        Raise(ref _answeredAt, answeredAt);
    }

    /// <summary>A request was sent to it.</summary>
    public void Begin() => Interlocked.Increment(ref _inFlight);

    /// <summary>A request sent to it has ended.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);

    /// <summary>A connection to it has become one of another protocol.</summary>
    public void BeginUpgraded() => Interlocked.Increment(ref _upgraded);

    /// <summary>A connection of another protocol has ended.</summary>
    public void EndUpgraded() => Interlocked.Decrement(ref _upgraded);

    /// <summary>A compute request takes a slot. The compute queue calls this under its lock.</summary>
    public void TakeSlot()
    {
        lock (_lock)
        {
            if (Interlocked.Increment(ref _computeInFlight) == 1)
            {
                Volatile.Write(ref _computeSince, time.GetTimestamp());
            }

            _load.Become(Share);
        }
    }

    /// <summary>A compute request gives its slot back.</summary>
    public void FreeSlot()
    {
        lock (_lock)
        {
            Interlocked.Decrement(ref _computeInFlight);
            _load.Become(Share);
        }
    }

    /// <inheritdoc cref="LoadHistory.Second"/>
    public double Load(long second)
    {
        lock (_lock)
        {
            return _load.Second(second);
        }
    }

    // More slots can be in use than exist after a restart with fewer cores.
    private double Share => Math.Min(1.0, (double)ComputeInFlight / Slots);

    // Of two at once the earlier one may win; the next answer puts that right.
    private static void Raise(ref long timestamp, long value)
    {
        if (Volatile.Read(ref timestamp) < value)
        {
            Volatile.Write(ref timestamp, value);
        }
    }

    private bool Become(Availability availability)
    {
        lock (_lock)
        {
            if (_availability == availability)
            {
                return false;
            }

            if (availability is Availability.Gone or Availability.Silent)
            {
                Volatile.Write(ref _awaySince, time.GetTimestamp());
                _run++;
            }

            _availability = availability;
            return true;
        }
    }

    private enum Availability
    {
        Unknown,
        Ready,
        Draining,
        Unhealthy,
        Silent,
        Gone,
    }
}
