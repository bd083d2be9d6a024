namespace ClusterAspire.Bench;

/// <summary>One number that was measured.</summary>
/// <param name="Scenario">In which scenario.</param>
/// <param name="System">Of what.</param>
/// <param name="Case">Under what load, or empty.</param>
/// <param name="Name">What it is.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit, or empty.</param>
internal sealed record Figure(string Scenario, string System, string Case, string Name, double Value, string Unit);
