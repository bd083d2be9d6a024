using ClusterAspire.Contract;
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

    /// <summary>YARP's destination.</summary>
    public DestinationState Destination => destination;

    /// <summary>The name it gives itself, else the destination's.</summary>
    public string Name => _report.Name ?? destination.DestinationId;

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

    /// <summary>Compute requests it is working on, each holding a slot.</summary>
    public int ComputeInFlight => Volatile.Read(ref _computeInFlight);

    /// <summary>How long its slots have been in use without a break, or null when none is.</summary>
    public TimeSpan? ComputeRunning => ComputeInFlight == 0 ? null : time.GetElapsedTime(Volatile.Read(ref _computeSince));

    /// <summary>Whether a compute slot is free.</summary>
    public bool HasFreeSlot => ComputeInFlight < Slots;

    /// <summary>Whether new requests may go to it. Nobody having asked it yet counts as yes.</summary>
    public bool IsAvailable => _availability is Availability.Unknown or Availability.Ready;

    /// <summary>Latencies of its light requests.</summary>
    public LatencyHistory Light { get; } = new(time);

    /// <summary>Latencies of its compute requests, without their wait in the queue.</summary>
    public LatencyHistory Compute { get; } = new(time);

    /// <summary>What it is doing.</summary>
    public ReplicaState State => _availability switch
    {
        Availability.Unknown => ReplicaState.Starting,
        Availability.Ready => HasFreeSlot ? ReplicaState.Ready : ReplicaState.Busy,
        Availability.Draining => ReplicaState.Draining,
        Availability.Gone when _report.Pid is null => ReplicaState.Starting,
        Availability.Gone when time.GetElapsedTime(Volatile.Read(ref _awaySince)) < RestartLimit => ReplicaState.Restarting,
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
        Light.Status,
        Compute.Status);

    /// <summary>It answered that it serves.</summary>
    /// <returns>Whether that changed what it is available for.</returns>
    public bool Serves(ReplicaHealth report)
    {
        lock (_lock)
        {
            // Another name is another replica: a new pod may get the address of an old one.
            if (_report.StartedAt is { } before && report.StartedAt is { } now && before != now && _report.Name == report.Name)
            {
                _restarts++;
            }

            var moreSlots = report.Cores != _report.Cores;
            _report = report;
            _load.Become(Share);
            return Become(Availability.Ready) || moreSlots;
        }
    }

    /// <summary>It answered that it does not serve.</summary>
    /// <inheritdoc cref="Serves" path="/returns"/>
    public bool Refuses(ReplicaHealth report) =>
        Become(report.Status is ReplicaHealth.Draining ? Availability.Draining : Availability.Unhealthy);

    /// <summary>It does not answer.</summary>
    /// <inheritdoc cref="Serves" path="/returns"/>
    public bool IsGone() => Become(Availability.Gone);

    /// <summary>A request was sent to it.</summary>
    public void Begin() => Interlocked.Increment(ref _inFlight);

    /// <summary>A request sent to it has ended.</summary>
    public void End() => Interlocked.Decrement(ref _inFlight);

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

    // More in use than there are is possible after a restart with fewer.
    private double Share => Math.Min(1.0, (double)ComputeInFlight / Slots);

    private bool Become(Availability availability)
    {
        lock (_lock)
        {
            if (_availability == availability)
            {
                return false;
            }

            if (availability is Availability.Gone)
            {
                Volatile.Write(ref _awaySince, time.GetTimestamp());
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
        Gone,
    }
}
