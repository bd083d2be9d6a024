namespace ClusterAspire.Replica.Supervision;

/// <summary>Who looks after this process, bound from the configuration section <c>Supervisor</c>.</summary>
internal sealed class SupervisorOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "Supervisor";

    /// <summary>The process this one must not outlive, or null when there is none.</summary>
    public int? Pid { get; set; }

    /// <summary>
    /// Whether it ends when the process that started it ends. With Aspire that is <c>dotnet run</c>, which is the process that the
    /// dashboard shows. On Windows that command ends it itself.
    /// </summary>
    public bool Parent { get; set; }

    /// <summary>Whether this process waits, before it starts to serve, until a line on its standard input says so.</summary>
    public bool Standby { get; set; }
}
