using System.Text.Encodings.Web;
using System.Text.Json;
using ClusterAspire.LoadBalancer.Live;

namespace ClusterAspire.Bench;

/// <summary>All that a run found out: the content of results.json.</summary>
internal sealed class Results
{
    private const string FileName = "results.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>When it began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>How long it took, in seconds.</summary>
    public double Seconds { get; set; }

    /// <summary>The commit that was measured.</summary>
    public required string? Commit { get; init; }

    /// <summary>Where.</summary>
    public required Machine Machine { get; init; }

    /// <summary>Under which options.</summary>
    public required BenchOptions Options { get; init; }

    /// <summary>What was wanted of it.</summary>
    public IReadOnlyList<Goal> Goals { get; set; } = [];

    /// <summary>Every number.</summary>
    public List<Figure> Figures { get; init; } = [];

    /// <summary>Every latency distribution.</summary>
    public List<Distribution> Distributions { get; init; } = [];

    /// <summary>Every timeline.</summary>
    public List<Timeline> Timelines { get; init; } = [];

    /// <summary>What did not run.</summary>
    public List<Skipped> Skipped { get; init; } = [];

    /// <summary>Reads results.json.</summary>
    /// <exception cref="BenchException">There is none.</exception>
    public static async Task<Results> LoadAsync(string folder, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            throw new BenchException($"There is no {path}.");
        }

        await using var file = File.OpenRead(path);
        return (await JsonSerializer.DeserializeAsync<Results>(file, Json, cancellationToken))!;
    }

    /// <summary>Writes results.json.</summary>
    public async Task SaveAsync(string folder, CancellationToken cancellationToken)
    {
        await using var file = File.Create(Path.Combine(folder, FileName));
        await JsonSerializer.SerializeAsync(file, this, Json, cancellationToken);
    }

    /// <summary>A figure, or null when it was not measured.</summary>
    public double? Find(string scenario, string system, string @case, string name) =>
        Figures.LastOrDefault(figure => (figure.Scenario, figure.System, figure.Case, figure.Name) == (scenario, system, @case, name))?.Value;
}
