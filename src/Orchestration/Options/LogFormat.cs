namespace ClusterAspire.Orchestration.Options;

/// <summary>How the runner writes what happens, and what replicas write, to its output.</summary>
public enum LogFormat
{
    /// <summary>Lines for people, in colour on a terminal.</summary>
    Text,

    /// <summary>An object of JSON for each line.</summary>
    Json,
}
