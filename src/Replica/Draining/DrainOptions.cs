namespace ClusterAspire.Replica.Draining;

/// <summary>How this process stops, bound from the configuration section <c>Drain</c>.</summary>
public sealed class DrainOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "Drain";

    /// <summary>How long it keeps serving while <c>/health</c> already answers 503, so that balancers stop sending, in seconds.</summary>
    public double Delay { get; set; }

    /// <summary>How long requests in flight may then take to finish, in seconds.</summary>
    public double Timeout { get; set; } = 10;
}
