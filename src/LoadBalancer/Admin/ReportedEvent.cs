namespace ClusterAspire.LoadBalancer;

/// <summary>What <c>POST /api/events</c> takes: something that happened to a replica and that only its supervisor saw.</summary>
/// <param name="Replica">The replica's name.</param>
/// <param name="Text">What happened, such as <c>exited with code 137</c>.</param>
public sealed record ReportedEvent(string? Replica, string? Text)
{
    private const int Longest = 200;

    internal const string Rule = "An event has a replica and a text of 1 to 200 characters each.";

    internal bool IsValid => Replica?.Length is > 0 and <= Longest && Text?.Length is > 0 and <= Longest;
}
