namespace ClusterAspire.LoadBalancer.Tests.Model;

/// <summary>A synchronization context whose continuations run when, and in which order, the test chooses.</summary>
internal sealed class ChosenOrder : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Callback, object? State)> _ready = [];

    /// <summary>How many continuations could run.</summary>
    public int Count
    {
        get
        {
            lock (_ready)
            {
                return _ready.Count;
            }
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_ready)
        {
            _ready.Add((d, state));
        }
    }

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs one of them.</summary>
    public void RunOne(Random random)
    {
        (SendOrPostCallback Callback, object? State) next;
        lock (_ready)
        {
            var index = random.Next(_ready.Count);
            next = _ready[index];
            _ready.RemoveAt(index);
        }

        Run(() => next.Callback(next.State));
    }

    /// <summary>Runs something within this context.</summary>
    public void Run(Action action)
    {
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            action();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }
}
