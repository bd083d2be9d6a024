using System.Globalization;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>A chart's vertical axis, with evenly spaced ticks.</summary>
/// <param name="Bottom">What is at its lower end, as <see cref="Place"/> gives it.</param>
/// <param name="Top">What is at its upper end.</param>
/// <param name="Ticks">What stands at its ticks, the lower end first and the upper end last.</param>
/// <param name="Place">Where a value is, between <paramref name="Bottom"/> and <paramref name="Top"/>.</param>
public sealed record ChartScale(double Bottom, double Top, IReadOnlyList<string> Ticks, Func<double, double> Place)
{
    private const int Steps = 5;

    /// <summary>Latencies in ms, over the same decades as the heatmap.</summary>
    public static ChartScale Latency { get; } = new(
        -1,
        5,
        [.. HeatScale.Decades.Select(decade => decade.Label), "100 s"],
        milliseconds => Math.Clamp(Math.Log10(milliseconds), -1, 5));

    /// <summary>From nothing to all of something.</summary>
    public static ChartScale Share { get; } = new(0, 1, ["0", "1"], share => share);

    /// <summary>From 0 to a round number that is not below any value, in at most five steps of 1, 2 or 5 times a power of ten.</summary>
    /// <param name="highest">The highest value.</param>
    public static ChartScale Linear(double highest)
    {
        var least = Math.Max(highest / Steps, 1);
        var power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        var step = power * (least / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        var steps = Math.Max((int)Math.Ceiling(highest / step), 1);
        return new(0, steps * step, [.. Enumerable.Range(0, steps + 1).Select(i => (i * step).ToString("N0", CultureInfo.InvariantCulture))], value => value);
    }
}
