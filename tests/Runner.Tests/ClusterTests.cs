using System.Net;

namespace ClusterAspire.Runner.Tests;

/// <summary>What a cluster does, whatever its replicas run in: each runtime runs all of this.</summary>
public abstract class ClusterTests
{
    // So long that it never ends during a test; whoever starts it gives it up.
    private const long Endless = 20_000_000_000;
    private const long Brief = 20_000_000;

    private protected abstract RuntimeUnderTest Runtime { get; }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_replica_serves()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 3);

        var answered = new HashSet<string>();
        for (var i = 0; i < 30; i++)
        {
            answered.Add(await cluster.FastAsync());
        }

        Assert.Equal(["replica-0", "replica-1", "replica-2"], answered.Order());
        var replicas = await cluster.ReplicasAsync();
        Assert.Equal(["replica-0", "replica-1", "replica-2"], replicas.Select(replica => replica.Name));
        Assert.All(replicas, replica => Assert.Equal((1, 0), (replica.Slots, replica.Restarts)));
    }

    [Fact]
    public async Task Fast_is_answered_by_every_replica_while_each_runs_a_slow()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        using var giveUp = new CancellationTokenSource();
        var slow = new[] { cluster.SlowAsync(Endless, giveUp.Token), cluster.SlowAsync(Endless, giveUp.Token) };
        await cluster.ReplicasAsync(all => all.All(replica => replica.ComputeInFlight is 1), "each replica computes");

        var answered = new HashSet<string>();
        for (var i = 0; i < 40; i++)
        {
            answered.Add(await cluster.FastAsync());
        }

        Assert.Equal(["replica-0", "replica-1"], answered.Order());
        Assert.All(slow, request => Assert.False(request.IsCompleted));
        await giveUp.CancelAsync();
        await cluster.ReplicasAsync(all => all.All(replica => replica.ComputeInFlight is 0), "nothing computes for clients that left");
    }

    [Fact]
    public async Task No_replica_gets_a_second_compute_request_while_another_is_free()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 3);
        using var giveUp = new CancellationTokenSource();

        for (var running = 1; running <= 3; running++)
        {
            _ = cluster.SlowAsync(Endless, giveUp.Token);
            var replicas = await cluster.ReplicasAsync(all => all.Sum(replica => replica.ComputeInFlight) == running, $"{running} compute requests run");
            Assert.All(replicas, replica => Assert.InRange(replica.ComputeInFlight, 0, 1));
        }

        await giveUp.CancelAsync();
    }

    [Fact]
    public async Task Compute_requests_beyond_the_cores_wait_their_turn_and_all_are_answered()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);

        var requests = Enumerable.Range(0, 12).Select(_ => cluster.SlowAsync(Brief, Cancelled)).ToList();
        for (var limit = new Deadline(); !Task.WhenAll(requests).IsCompleted; limit.Check())
        {
            Assert.All(await cluster.ReplicasAsync(), replica => Assert.InRange(replica.ComputeInFlight, 0, 1));
        }

        var responses = await Task.WhenAll(requests);
        Assert.All(responses, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        Assert.Equal(["replica-0", "replica-1"], responses.Select(Cluster.ReplicaOf).Distinct().Order());
    }

    [Fact]
    public async Task A_killed_replica_costs_no_request_and_comes_back_under_its_name()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        var victim = (await cluster.ReplicasAsync())[1];
        using var enough = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 8).Select(_ => GetFastUntilAsync(cluster, enough.Token)).ToList();

        cluster.Kill(victim);
        await cluster.Runner.LineAsync(
            line => line.StartsWith("replica-1 (", StringComparison.Ordinal) && line.Contains(") exited with code 137; restarting ", StringComparison.Ordinal),
            "the restart is said");
        var back = await cluster.ReplicaAsync("replica-1", replica => replica is { State: "ready" or "busy", Restarts: 1 }, "it is back");
        await Eventually.IsTrueAsync(async () => await cluster.FastAsync() is "replica-1");

        await enough.CancelAsync();
        Assert.All(await Task.WhenAll(clients), statuses => Assert.Equal([HttpStatusCode.OK], statuses));
        Assert.Equal(victim.Address, back.Address);
    }

    [Fact]
    public async Task A_compute_request_of_a_killed_replica_is_answered_by_another()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        var request = cluster.SlowAsync(1_000_000_000, Cancelled);
        var computing = await cluster.ReplicasAsync(all => all.Any(replica => replica.ComputeInFlight is 1), "it computes");

        cluster.Kill(computing.Single(replica => replica.ComputeInFlight is 1));

        using var response = await Eventually.InTimeAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(computing.Single(replica => replica.ComputeInFlight is 0).Name, Cluster.ReplicaOf(response));
    }

    [Fact]
    public async Task A_post_to_a_dying_replica_is_not_repeated()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        var victim = (await cluster.ReplicasAsync())[0];
        cluster.Freeze(victim);

        // A replica that lives says 405 at once; so would the other, were a request repeated there.
        var posts = Enumerable.Range(0, 4).Select(_ => cluster.Client.PostAsync("/fast", null, Cancelled)).ToList();
        await cluster.ReplicaAsync(
            victim.Name, replica => replica.InFlight > 0 && replica.InFlight == posts.Count(post => !post.IsCompleted), "the other replica has answered, and a POST hangs");
        var hanging = posts.Where(post => !post.IsCompleted).ToList();
        cluster.Kill(victim);

        await Eventually.InTimeAsync(Task.WhenAll(posts));
        Assert.NotEmpty(hanging);
        Assert.All(hanging, post => Assert.Equal(HttpStatusCode.BadGateway, post.Result.StatusCode));
    }

    [Fact]
    public async Task Overload_is_answered_503_with_Retry_After_and_nothing_hangs()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2, ["--queue-limit", "2"]);
        using var giveUp = new CancellationTokenSource();
        var running = new[] { cluster.SlowAsync(Endless, giveUp.Token), cluster.SlowAsync(Endless, giveUp.Token) };
        await cluster.ReplicasAsync(all => all.All(replica => replica.ComputeInFlight is 1), "each replica computes");

        var more = Enumerable.Range(0, 5).Select(_ => cluster.SlowAsync(Brief, Cancelled)).ToList();
        await Eventually.IsTrueAsync(() => more.Count(request => request.IsCompleted) >= 3, "three of five find the queue full");
        await giveUp.CancelAsync();
        var responses = await Eventually.InTimeAsync(Task.WhenAll(more));

        Assert.Equal(2, responses.Count(response => response.StatusCode is HttpStatusCode.OK));
        var refused = responses.Where(response => response.StatusCode is not HttpStatusCode.OK).ToList();
        Assert.All(refused, response =>
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        });
        Assert.All(running, request => Assert.False(request.IsCompletedSuccessfully));
    }

    [Fact]
    public async Task Ctrl_C_lets_requests_in_flight_finish()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2, ["--drain-timeout", "80"]);
        var inFlight = cluster.SlowAsync(1_000_000_000, Cancelled);
        await cluster.ReplicasAsync(all => all.Any(replica => replica.ComputeInFlight is 1), "it computes");

        // A terminal sends it to everyone it knows of; in the worst order the Runner is the last to hear.
        foreach (var child in Unix.Children(cluster.Runner.Pid))
        {
            Unix.Signal(child, Unix.SigInt);
        }

        cluster.Runner.Signal(Unix.SigInt);

        using var response = await Eventually.InTimeAsync(inFlight);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(0, await cluster.Runner.ExitAsync());
        await Assert.ThrowsAsync<HttpRequestException>(cluster.FastAsync);
    }

    [Fact]
    public async Task SIGTERM_drains_as_Ctrl_C_does()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        var children = Unix.Children(cluster.Runner.Pid);

        cluster.Runner.Signal(Unix.SigTerm);

        Assert.Equal(0, await cluster.Runner.ExitAsync());
        Assert.DoesNotContain(children, TestProcess.IsRunning);
        Assert.Contains(cluster.Runner.Output, line => line.StartsWith("Draining: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_second_Ctrl_C_stops_at_once()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2, ["--drain-timeout", "3600"]);
        var inFlight = cluster.SlowAsync(Endless, Cancelled);
        await cluster.ReplicasAsync(all => all.Any(replica => replica.ComputeInFlight is 1), "it computes");
        var children = Unix.Children(cluster.Runner.Pid);
        cluster.Runner.Signal(Unix.SigInt);
        await cluster.Runner.LineAsync(line => line.StartsWith("Draining: ", StringComparison.Ordinal), "it drains");

        // Within half a second it would count as the same.
        await Task.Delay(TimeSpan.FromSeconds(1), Cancelled);
        Assert.False(cluster.Runner.HasExited);
        cluster.Runner.Signal(Unix.SigInt);

        Assert.Equal(128 + Unix.SigInt, await cluster.Runner.ExitAsync());
        Assert.DoesNotContain(children, TestProcess.IsRunning);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => inFlight);
    }

    [Fact]
    public async Task What_replicas_write_is_shown_behind_their_names_without_colours_where_there_is_no_terminal()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);

        await cluster.Runner.LineAsync(line => line.StartsWith("replica-0 | ", StringComparison.Ordinal), "replica-0 writes");
        await cluster.Runner.LineAsync(line => line.StartsWith("replica-1 | ", StringComparison.Ordinal), "replica-1 writes");
        Assert.DoesNotContain(cluster.Runner.Output, line => line.Contains('\e', StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_load_balancer_is_replaced_too()
    {
        await using var cluster = await Cluster.StartAsync(Runtime, replicas: 2);
        var said = await cluster.Runner.LineAsync(line => line.StartsWith("loadbalancer (pid ", StringComparison.Ordinal), "the load balancer's pid is said");
        var pid = int.Parse(said["loadbalancer (pid ".Length..said.IndexOf(')', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);

        Unix.Signal(pid, Unix.SigKill);

        await cluster.Runner.LineAsync(line => line == $"loadbalancer (pid {pid}) exited with code 137; restarting at once", "the restart is said");
        await cluster.Runner.LineAsync(line => line.StartsWith("loadbalancer (pid ", StringComparison.Ordinal) && line.EndsWith(" is ready", StringComparison.Ordinal) && line != said, "it is back");
        await cluster.FastAsync();
    }

    private static async Task<IReadOnlyCollection<HttpStatusCode>> GetFastUntilAsync(Cluster cluster, CancellationToken enough)
    {
        var statuses = new HashSet<HttpStatusCode>();
        while (!enough.IsCancellationRequested)
        {
            using var response = await cluster.Client.GetAsync("/fast", Cancelled);
            statuses.Add(response.StatusCode);
        }

        return statuses;
    }
}
