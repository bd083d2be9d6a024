namespace ClusterAspire.LoadBalancer.Live;

/// <summary>A line of a chart: the value of each of some seconds in a row, of which any may have none.</summary>
/// <param name="name">What the legend calls it.</param>
/// <param name="color">A CSS colour.</param>
/// <param name="first">The first second, on the balancer's monotonic clock.</param>
/// <param name="seconds">How many there are.</param>
public sealed class ChartLine(string name, string color, long first, int seconds)
{
    private readonly double?[] _values = new double?[seconds];

    /// <summary>What the legend calls it.</summary>
    public string Name => name;

    /// <summary>A CSS colour.</summary>
    public string Color => color;

    /// <summary>Its highest value; zero when it has none.</summary>
    public double Highest { get; private set; }

    /// <summary>The value of a second; null when it has none.</summary>
    public double? this[long second]
    {
        get => IsIn(second) ? _values[second - first] : null;
        set
        {
            if (IsIn(second))
            {
                _values[second - first] = value;
                Highest = Math.Max(Highest, value ?? 0);
            }
        }
    }

    private bool IsIn(long second) => second >= first && second < first + _values.Length;
}
