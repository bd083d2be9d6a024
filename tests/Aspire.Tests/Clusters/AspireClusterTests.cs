using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;
using ClusterAspire.Contract;

namespace ClusterAspire.Aspire.Tests;

/// <summary>The AppHost on Aspire, as <c>dotnet run</c> starts it where the feed serves it.</summary>
public sealed class AspireClusterTests(AspireCluster cluster) : IClassFixture<AspireCluster>
{
    [Fact]
    public async Task Every_replica_answers_through_the_balancer()
    {
        HashSet<string> replicas = [];
        await Eventually.IsTrueAsync(
            async () =>
            {
                using var response = await cluster.Client.GetAsync("fast");
                Assert.Equal("fast", (await response.Content.ReadAsStringAsync()).Trim());
                replicas.Add(response.Headers.GetValues("X-Replica").Single());
                return replicas.Count is 2;
            },
            "both replicas answer");
        Assert.Equal(["replica-0", "replica-1"], replicas.Order());
    }

    [Fact]
    public async Task A_replica_that_is_killed_returns_under_its_name_and_no_request_fails()
    {
        var before = (await cluster.ReplicaAsync("replica-0")).Pid;

        var failures = await cluster.FailuresDuringAsync(async () =>
        {
            Kill(before);
            await Eventually.IsTrueAsync(
                async () => await cluster.ReplicaAsync("replica-0") is { State: ReplicaState.Ready, Pid: { } pid } && pid != before, "replica-0 is back");
        });

        Assert.Equal(0, failures);
    }

    [Fact]
    public async Task A_replica_that_is_asked_to_stop_stays_stopped_while_one_that_is_killed_returns()
    {
        await cluster.ExecuteAsync("service-replica-1", KnownResourceCommands.StopCommand);
        await Eventually.IsTrueAsync(() => cluster.IsStopped("service-replica-1"), "replica-1 has stopped");
        var before = (await cluster.ReplicaAsync("replica-0")).Pid;
        Kill(before);
        await Eventually.IsTrueAsync(
            async () => await cluster.ReplicaAsync("replica-0") is { State: ReplicaState.Ready, Pid: { } pid } && pid != before, "replica-0 is back");

        Assert.True(cluster.IsStopped("service-replica-1"));

        await cluster.ExecuteAsync("service-replica-1", KnownResourceCommands.StartCommand);
        await cluster.UntilReadyAsync("replica-1");
    }

    [Fact]
    public async Task The_load_balancer_returns_too_by_whatever_process_it_is_killed()
    {
        await cluster.UntilReadyAsync("replica-0", "replica-1");
        var before = cluster.Pid("loadbalancer");

        Kill(before);
        // The balancer itself is another process: it goes after, and only then can the next one listen.
        await Eventually.IsTrueAsync(async () => !await cluster.AnswersAsync(), "the load balancer is gone");
        await Eventually.IsTrueAsync(cluster.AnswersAsync, "the load balancer is back");

        Assert.NotEqual(before, cluster.Pid("loadbalancer"));
        await cluster.UntilReadyAsync("replica-0", "replica-1");
    }

    [Fact]
    public async Task The_service_scales_down_and_up_by_its_command()
    {
        await cluster.ExecuteAsync("service", "scale", ("replicas", "1"));
        await Eventually.IsTrueAsync(() => cluster.IsStopped("service-replica-1"), "replica-1 has stopped");
        Assert.False(cluster.IsStopped("service-replica-0"));

        await cluster.ExecuteAsync("service", "scale", ("replicas", "2"));
        await cluster.UntilReadyAsync("replica-0", "replica-1");
    }

    [Fact]
    public async Task A_rolling_restart_replaces_every_replica_and_no_request_fails()
    {
        await cluster.UntilReadyAsync("replica-0", "replica-1");
        int?[] before = [(await cluster.ReplicaAsync("replica-0")).Pid, (await cluster.ReplicaAsync("replica-1")).Pid];

        var failures = await cluster.FailuresDuringAsync(async () =>
        {
            await cluster.ExecuteAsync("service", "rolling-restart");
            await cluster.UntilReadyAsync("replica-0", "replica-1");
        });

        Assert.Equal(0, failures);
        Assert.NotEqual(before[0], (await cluster.ReplicaAsync("replica-0")).Pid);
        Assert.NotEqual(before[1], (await cluster.ReplicaAsync("replica-1")).Pid);
    }

    [Fact]
    public async Task A_replica_is_pinned_and_reports_under_its_rows_name()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The test reads /proc.");
        await cluster.UntilReadyAsync("replica-0");
        var replica = await cluster.ReplicaAsync("replica-0");

        var environment = (await File.ReadAllTextAsync($"/proc/{replica.Pid}/environ")).Split('\0').Where(variable => variable.StartsWith("OTEL_", StringComparison.Ordinal)).ToList();
        Assert.Contains("OTEL_SERVICE_NAME=service-replica-0", environment);
        Assert.Contains(environment, variable => variable.StartsWith("OTEL_RESOURCE_ATTRIBUTES=", StringComparison.Ordinal) && variable.EndsWith(",service.namespace=service", StringComparison.Ordinal));
        Assert.All(ThreadFiles.Status(replica.Pid!.Value, "Cpus_allowed_list"), cores => Assert.Equal($"{replica.Core}", cores));
    }

    [Fact]
    public async Task A_replica_is_shown_below_the_service_with_its_core()
    {
        await cluster.UntilReadyAsync("replica-0");
        var properties = cluster.State("service-replica-0").Properties;

        Assert.Equal((await cluster.ReplicaAsync("replica-0")).Core, properties.Single(property => property.Name == "Core").Value);
        Assert.Contains(cluster.State("service-replica-0").Relationships, relationship => relationship is { ResourceName: "service", Type: "Parent" });
        Assert.Equal(KnownResourceStates.Running, cluster.State("service").State?.Text);
        Assert.Equal(
            ["Live page", "Metrics", "Service"],
            cluster.State("loadbalancer").Urls.Select(url => url.DisplayProperties.DisplayName).Order());
    }

    [Fact]
    public async Task A_replica_shows_its_latencies()
    {
        await Eventually.IsTrueAsync(
            async () =>
            {
                using var response = await cluster.Client.GetAsync("fast");
                return Latency("service-replica-0", "Light p99").EndsWith(" ms", StringComparison.Ordinal)
                    && Latency("service-replica-1", "Light p50").EndsWith(" ms", StringComparison.Ordinal);
            },
            "both rows show a latency of light requests");
        Assert.Equal("–", Latency("orders-replica-0", "Compute p99"));

        string Latency(string resource, string name) =>
            cluster.State(resource).Properties.FirstOrDefault(property => property.Name == name)?.Value?.ToString() ?? "";
    }

    [Fact]
    public async Task The_services_row_says_how_many_replicas_run_and_where_its_balancer_is()
    {
        await cluster.UntilReadyAsync("replica-0", "replica-1");
        await Eventually.IsTrueAsync(
            () => cluster.State("service").Properties.Any(property => property.Name == CustomResourceKnownProperties.Source && property.Value is "2 of 2 replicas"), "two replicas are counted");
        Assert.Equal(
            [cluster.Client.BaseAddress!.GetLeftPart(UriPartial.Authority)],
            cluster.State("service").Urls.Where(url => url.DisplayProperties.DisplayName is "Service").Select(url => url.Url));
    }

    [Fact]
    public async Task What_is_said_of_a_service_holds_for_each_replica()
    {
        Assert.True(cluster.Waited);
        foreach (var replica in cluster.Started("orders-replica-"))
        {
            Assert.Contains("CURRENCY=EUR", replica.Environment);
            Assert.Contains("ConnectionStrings__ledger=Host=ledger", replica.Environment);
            Assert.Contains("--Orders:Region north", replica.CommandLine);
        }

        Assert.Equal(2, cluster.Started("orders-replica-").Count);
        Assert.DoesNotContain(cluster.Started("service-replica-"), replica => replica.Environment.Contains("CURRENCY=EUR"));
        using var response = await cluster.Orders.GetAsync("fast");
        Assert.Equal("fast", (await response.Content.ReadAsStringAsync()).Trim());
    }

    [Fact]
    public void Another_resource_that_references_the_service_gets_its_balancers_address() =>
        Assert.Contains($"services__orders__http__0={cluster.Orders.BaseAddress!.GetLeftPart(UriPartial.Authority)}", Assert.Single(cluster.Started("caller")).Environment);

    private static void Kill(int? pid)
    {
        using var process = Process.GetProcessById(pid!.Value);
        process.Kill();
    }
}
