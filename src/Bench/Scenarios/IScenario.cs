namespace ClusterAspire.Bench;

/// <summary>One question, answered by measuring.</summary>
internal interface IScenario
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>What it asks.</summary>
    string Title { get; }

    /// <summary>How long each of its measurements lasts, in seconds, in a full run and in a quick one.</summary>
    (double Full, double Quick) Seconds { get; }

    /// <summary>Measures.</summary>
    Task RunAsync(ScenarioRun run, CancellationToken cancellationToken);
}
