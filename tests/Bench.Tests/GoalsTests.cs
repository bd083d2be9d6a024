using ClusterAspire.LoadBalancer.Live;
using Xunit;

namespace ClusterAspire.Bench.Tests;

public sealed class GoalsTests
{
    private readonly Results _results = new()
    {
        Started = DateTimeOffset.UnixEpoch,
        Commit = null,
        Machine = new Machine("any", Cores: 2, 8, "any", "any", null, null, new Dictionary<string, string>()),
        Options = new BenchOptions(),
    };

    [Fact]
    public void What_was_not_measured_is_no_goal() => Assert.Empty(Goals.Evaluate(_results));

    [Theory]
    [InlineData(1.25, true)]
    [InlineData(1.3, false)]
    public void Saturated_latency_is_compared_with_idle_latency(double saturated, bool met)
    {
        Add("article", Systems.Cluster, "idle", "p99", 1);
        Add("article", Systems.Cluster, "8 × /slow", "p99", saturated);

        Assert.Equal(Goal.AtMost("/fast p99 with every core saturated ÷ its idle p99", saturated, 1.25), Assert.Single(Goals.Evaluate(_results)));
        Assert.Equal(met, Assert.Single(Goals.Evaluate(_results)).Met);
    }

    [Theory]
    [InlineData(5000, true)]
    [InlineData(900, false)]
    public void Nodes_latency_is_divided_by_ours(double node, bool met)
    {
        Add("article", "Node cluster", "8 × /slow", "p99", node);
        Add("article", Systems.Cluster, "8 × /slow", "p99", 1);

        var goal = Assert.Single(Goals.Evaluate(_results));
        Assert.Equal((node, met), (goal.Value, goal.Met));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    public void One_failed_request_is_too_many(double failed, bool met)
    {
        Add("kills", Systems.Cluster, "", KillScenario.Failed, failed);
        Add("kills", Systems.Cluster, "", KillScenario.Sent, 100_000);

        var goal = Assert.Single(Goals.Evaluate(_results));
        Assert.Equal(("failed requests of 100000 under repeated kills", met), (goal.Name, goal.Met));
    }

    [Fact]
    public void Forwarding_is_compared_with_telemetry_on()
    {
        Add("forwarding", Systems.Cluster, ForwardingScenario.Saturated, "throughput", 99_000);
        Add("forwarding", Systems.ClusterWithTelemetry, ForwardingScenario.Saturated, "throughput", 30_000);
        Add("forwarding", "nginx", ForwardingScenario.Saturated, "throughput", 20_000);
        Add("forwarding", Systems.ClusterWithTelemetry, ForwardingScenario.Saturated, "p99", 4);
        Add("forwarding", "HAProxy", ForwardingScenario.Saturated, "p99", 3);

        Assert.Equal([true, false], Goals.Evaluate(_results).Select(goal => goal.Met));
    }

    [Theory]
    [InlineData(0.009, true)]
    [InlineData(0.02, false)]
    public void An_open_page_may_cost_a_hundredth(double share, bool met)
    {
        Add("page", Systems.Cluster, PageScenario.Watched, PageScenario.Share, share);

        Assert.Equal(met, Assert.Single(Goals.Evaluate(_results)).Met);
    }

    [Fact]
    public async Task Results_are_read_back_as_they_were_written()
    {
        Add("article", Systems.Cluster, "idle", "p99", 1.5);
        _results.Goals = [Goal.AtLeast("any", 2, 1)];
        var folder = Directory.CreateTempSubdirectory("bench-results").FullName;
        try
        {
            await _results.SaveAsync(folder, TestContext.Current.CancellationToken);
            var read = await Results.LoadAsync(folder, TestContext.Current.CancellationToken);

            Assert.Equal(_results.Figures, read.Figures);
            Assert.Equal(_results.Goals, read.Goals);
            Assert.Contains("\"goal\": \"≥ 1\"", await File.ReadAllTextAsync(Path.Combine(folder, "results.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Add(string scenario, string system, string @case, string name, double value) =>
        _results.Figures.Add(new Figure(scenario, system, @case, name, value, ""));
}
