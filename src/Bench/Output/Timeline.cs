using ClusterAspire.LoadBalancer.Live;

namespace ClusterAspire.Bench;

/// <summary>How requests fared while replicas were killed.</summary>
/// <param name="Scenario">In which scenario.</param>
/// <param name="System">Of what.</param>
/// <param name="Kills">When, in seconds since recording began.</param>
/// <param name="Slices">The requests.</param>
internal sealed record Timeline(string Scenario, string System, IReadOnlyList<double> Kills, IReadOnlyList<TimeSlice> Slices);
