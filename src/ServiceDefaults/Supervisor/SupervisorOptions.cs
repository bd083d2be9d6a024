namespace ClusterAspire.ServiceDefaults;

/// <summary>Who looks after this process, bound from the configuration section <c>Supervisor</c>.</summary>
internal sealed class SupervisorOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "Supervisor";

    /// <summary>The process this one must not outlive, or null when there is none.</summary>
    public int? Pid { get; set; }
}
