namespace ClusterAspire.Orchestration.Supervision;

/// <summary>What came of a probe.</summary>
public enum ProbeOutcome
{
    /// <summary>Answered, and not by a server error.</summary>
    Serves,

    /// <summary>Answered by a server error.</summary>
    Refuses,

    /// <summary>No answer, or none that is HTTP.</summary>
    Unanswered,

    /// <summary>Refused or cut off: it does not listen yet, or not any more, as when it drains.</summary>
    Closed,

    /// <summary>This process could not ask, as it lacks a descriptor, a port or memory: nothing is known.</summary>
    Unknown,
}

/// <summary>What came of a probe, and how to tell the user.</summary>
/// <param name="Outcome">What it means.</param>
/// <param name="Text">What came back, such as <c>503 Service Unavailable</c> or <c>Connection refused</c>.</param>
/// <param name="StatusCode">The HTTP status code; 0 when there was no answer.</param>
public readonly record struct ProbeResult(ProbeOutcome Outcome, string Text, int StatusCode = 0);
