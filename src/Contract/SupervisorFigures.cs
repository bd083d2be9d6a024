namespace ClusterAspire.Contract;

/// <summary>What a supervisor counts, since it started.</summary>
/// <param name="Reloads">Changes of replicas and of the load balancer that were asked for, by their outcome.</param>
/// <param name="Restarts">Starts in the place of what has ended or was replaced.</param>
/// <param name="CrashLoops">Which are in a crash loop now.</param>
public sealed record SupervisorFigures(ReloadFigures Reloads, IReadOnlyList<RestartFigure> Restarts, IReadOnlyList<string> CrashLoops);

/// <summary>Reloads by their outcome.</summary>
/// <param name="Completed">How many did what they were to.</param>
/// <param name="Failed">How many stopped before that.</param>
public sealed record ReloadFigures(long Completed, long Failed);

/// <summary>How often something was started again for one reason.</summary>
/// <param name="Name">What: <c>replica-0</c>.</param>
/// <param name="Reason">Why: <see cref="RestartReason"/>.</param>
/// <param name="Count">How often.</param>
public sealed record RestartFigure(string Name, string Reason, long Count);

/// <summary>Why something is started again.</summary>
public static class RestartReason
{
    /// <summary>It ended.</summary>
    public const string Exit = "exit";

    /// <summary>It hung and was killed.</summary>
    public const string Hang = "hang";

    /// <summary>It could not be started.</summary>
    public const string Start = "start";

    /// <summary>It used too much memory.</summary>
    public const string Memory = "memory";

    /// <summary>It had run for long enough.</summary>
    public const string Age = "age";

    /// <summary>It had answered enough requests.</summary>
    public const string Requests = "requests";

    /// <summary>Somebody reloaded it.</summary>
    public const string Reload = "reload";
}
