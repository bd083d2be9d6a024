namespace ClusterAspire.Replica.Link;

/// <summary>A thread that looks every 4 ms whether requests block a thread that receives from a link, while any run on one.</summary>
internal static class ReceiverWatch
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(4);
    private static readonly List<ReceiverScheduler> Watched = [];
    private static bool _isRunning;

    /// <summary>Watches it until it says that no more requests run there.</summary>
    public static void Add(ReceiverScheduler scheduler)
    {
        lock (Watched)
        {
            if (!Watched.Contains(scheduler))
            {
                Watched.Add(scheduler);
            }

            if (!_isRunning)
            {
                _isRunning = true;
                new Thread(Run) { IsBackground = true, Name = "Link watch" }.UnsafeStart();
            }

            Monitor.Pulse(Watched);
        }
    }

    private static void Run()
    {
        lock (Watched)
        {
            while (true)
            {
                Monitor.Wait(Watched, Watched.Count > 0 ? Tick : Timeout.InfiniteTimeSpan);
                Watched.RemoveAll(scheduler => !scheduler.Watch());
            }
        }
    }
}
