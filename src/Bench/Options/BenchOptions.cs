using System.Text.Json.Serialization;

namespace ClusterAspire.Bench;

/// <summary>What the user may choose, bound from the configuration section <c>Bench</c>.</summary>
internal sealed class BenchOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "Bench";

    /// <summary>The folder for results and pictures; not in the results, which are for other machines too.</summary>
    [JsonIgnore]
    public string Output { get; set; } = Path.Combine("out", "bench");

    /// <summary>Whether to be done in under five minutes, with fewer cases and shorter measurements.</summary>
    public bool Quick { get; set; }

    /// <summary>Requests for /fast per second in scenarios that watch latency.</summary>
    public double Rate { get; set; } = 200;

    /// <summary>Iterations of /slow in the article's experiment.</summary>
    public long Iterations { get; set; } = 5_000_000_000;

    /// <summary>How long each measurement of a scenario lasts, in seconds, by the scenario's name.</summary>
    public Dictionary<string, double> Seconds { get; } = [];

    /// <summary>Checks the bounds.</summary>
    /// <exception cref="BenchException">An option is out of its bounds.</exception>
    public void Validate(IEnumerable<string> scenarios)
    {
        var names = scenarios.ToArray();
        if (Seconds.Keys.FirstOrDefault(name => !names.Contains(name)) is { } unknown)
        {
            throw new BenchException($"There is no scenario {unknown}: choose among {string.Join(", ", names)}.");
        }

        if (Seconds.FirstOrDefault(entry => entry.Value is not (>= 1 and <= 600)) is { Key: { } scenario })
        {
            throw new BenchException($"The seconds of {scenario} must be from 1 to 600.");
        }

        if (Rate is not (>= 1 and <= 10_000))
        {
            throw new BenchException("Rate must be from 1 to 10000 requests per second.");
        }

        if (Iterations is not (>= 1 and <= 20_000_000_000))
        {
            throw new BenchException("Iterations must be from 1 to 20000000000.");
        }
    }
}
