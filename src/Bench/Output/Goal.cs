using System.Globalization;

namespace ClusterAspire.Bench;

/// <summary>What we want, and whether this run reached it.</summary>
/// <param name="Name">What is compared.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Wanted">The bound, with its direction.</param>
/// <param name="Met">Whether the value is within it.</param>
internal sealed record Goal(string Name, double Value, [property: System.Text.Json.Serialization.JsonPropertyName("goal")] string Wanted, bool Met)
{
    /// <summary>A value that should be small.</summary>
    public static Goal AtMost(string name, double value, double bound) => new(name, value, $"≤ {Text(bound)}", value <= bound);

    /// <summary>A value that should be large.</summary>
    public static Goal AtLeast(string name, double value, double bound) => new(name, value, $"≥ {Text(bound)}", value >= bound);

    private static string Text(double bound) => bound.ToString("0.###", CultureInfo.InvariantCulture);
}
