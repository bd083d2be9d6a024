namespace ClusterAspire.Contract;

/// <summary>What comes back, a line of JSON each: lines to show, and at the end the exit code.</summary>
/// <param name="Text">A line for standard output.</param>
/// <param name="Error">A line for standard error.</param>
/// <param name="ExitCode">The client's exit code; nothing follows it.</param>
public sealed record ControlReply(string? Text = null, string? Error = null, int? ExitCode = null);
