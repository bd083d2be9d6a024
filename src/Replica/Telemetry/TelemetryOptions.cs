namespace ClusterAspire.Replica.Telemetry;

/// <summary>Where telemetry goes besides OTLP, bound from the configuration section <c>Telemetry</c>.</summary>
internal sealed class TelemetryOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "Telemetry";

    /// <summary>Whether metrics and traces are written to the console.</summary>
    public bool Console { get; set; }
}
