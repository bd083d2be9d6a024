namespace ClusterAspire.Contract;

/// <summary>What <c>POST /api/events</c> takes: something that only the supervisor of the replicas saw.</summary>
/// <param name="Subject">Who reports it, or to whom it happened.</param>
/// <param name="Text">What happened, such as <c>replica-1 (pid 4242) exited with code 137</c>.</param>
public sealed record ReportedEvent(string? Subject, string? Text)
{
    /// <summary>The most characters that each may have.</summary>
    public const int Longest = 200;

    /// <summary>What a valid one is.</summary>
    public const string Rule = "An event has a subject and a text of 1 to 200 characters each.";

    /// <summary>Whether both are there and short enough.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsValid => Subject?.Length is > 0 and <= Longest && Text?.Length is > 0 and <= Longest;
}
