global using Xunit;

// Each test starts a cluster that uses every core.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
