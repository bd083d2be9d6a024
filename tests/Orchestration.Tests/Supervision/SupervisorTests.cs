using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class SupervisorTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeRuntime _replicas = new();
    private readonly FakeRuntime _balancers = new();
    private readonly RecordedOutput _output = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _atOnce = new();
    private readonly ConcurrentDictionary<int, bool> _healthy = [];
    private readonly ConcurrentDictionary<int, bool> _hanging = [];
    private ProbeResult _answer = new(ProbeOutcome.Unanswered, "Connection refused");
    private readonly ClusterPlan _plan;
    private Task _running = Task.CompletedTask;

    public SupervisorTests()
    {
        var ports = FreePort.Take(2);
        _plan = ClusterPlan.Create(new() { Replicas = "2", Port = ports[0], AdminPort = ports[1] }, Machine.Current);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _atOnce.Dispose();
    }

    [Fact]
    public async Task The_load_balancer_starts_once_every_replica_is_healthy()
    {
        Run();
        var instances = new[] { await _replicas.NextAsync(), await _replicas.NextAsync() };
        Assert.Equal(["replica-0", "replica-1"], instances.Select(instance => instance.Name).Order());

        Healthy(_plan.Replicas[0].Port);
        await _output.WaitForAsync(line => line.StartsWith("replica-0 (pid ", StringComparison.Ordinal));
        Assert.False(_balancers.HasStartedAnother);

        Healthy(_plan.Replicas[1].Port);
        Assert.Equal("loadbalancer", (await _balancers.NextAsync()).Name);
        Assert.DoesNotContain("READY", _output.Lines);

        Healthy(_plan.LoadBalancer.Port);
        await _output.WaitForAsync("READY");
    }

    [Fact]
    public async Task Replicas_start_in_waves()
    {
        _running = Supervisor(_plan with { StartWave = 1 }).RunAsync(_stop.Token, _atOnce.Token);
        Assert.Equal("replica-0", (await _replicas.NextAsync()).Name);
        Healthy(_plan.Replicas[1].Port);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(_replicas.HasStartedAnother);

        Healthy(_plan.Replicas[0].Port);
        Assert.Equal("replica-1", (await _replicas.NextAsync()).Name);
    }

    [Fact]
    public async Task What_exits_is_started_again_after_a_delay_that_grows()
    {
        var (replica, _) = await StartAsync();

        replica.Exit(137);
        await _output.WaitForAsync($"{replica.Name} ({replica.Id}) exited with code 137; restarting at once");
        replica = await _replicas.NextAsync();

        foreach (var delay in (int[])[100, 200, 400])
        {
            replica.Exit(137);
            await _output.WaitForAsync($"{replica.Name} ({replica.Id}) exited with code 137; restarting in {delay} ms");
            Assert.False(_replicas.HasStartedAnother);
            replica = await RestartedAsync(_replicas, TimeSpan.FromMilliseconds(delay));
        }
    }

    [Fact]
    public async Task The_load_balancer_is_started_again_too()
    {
        var (_, balancer) = await StartAsync();

        balancer.Exit(0);
        await _output.WaitForAsync($"loadbalancer ({balancer.Id}) exited with code 0; restarting at once");

        Assert.Equal("loadbalancer", (await _balancers.NextAsync()).Name);
    }

    [Fact]
    public async Task A_replica_that_cannot_start_is_tried_again_and_does_not_hold_up_the_others()
    {
        Healthy(_plan.Replicas[0].Port);
        Run();
        var instances = new[] { await _replicas.NextAsync(), await _replicas.NextAsync() };
        var crashing = instances.Single(instance => instance.Name is "replica-1");

        for (var delay = 100; delay <= 400; delay *= 2)
        {
            Assert.False(_balancers.HasStartedAnother);
            crashing.Write("out of luck");
            crashing.Exit(1);
            await _output.WaitForAsync($"replica-1 ({crashing.Id}) exited with code 1; restarting in {delay} ms");
            crashing = await RestartedAsync(_replicas, TimeSpan.FromMilliseconds(delay));
        }

        await _balancers.NextAsync();
        Assert.Contains("replica-1 | out of luck", _output.Lines);
        Assert.Contains(_output.Lines, line => line.StartsWith("replica-1 has ended 3 times before it answered ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_runtime_that_cannot_start_a_replica_is_tried_again_as_well()
    {
        _replicas.Failure = new ClusterException("no memory.");
        Run();
        await _output.WaitForAsync("replica-0 did not start: no memory; restarting in 100 ms");
        await _output.WaitForAsync("replica-1 did not start: no memory; restarting in 100 ms");

        _replicas.Failure = null;

        await RestartedAsync(_replicas, TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task A_load_balancer_that_cannot_run_ends_the_cluster_with_what_it_said()
    {
        HealthyReplicas();
        Run();
        for (var delay = 100; delay <= 400; delay *= 2)
        {
            var balancer = await RestartedAsync(_balancers, TimeSpan.FromMilliseconds(delay / 2));
            balancer.Write("LoadBalancer:RetryRatio must be from 0 to 1.");
            balancer.Write("   at Some.Method()");
            balancer.Exit(1);
            await _output.WaitForAsync($"loadbalancer ({balancer.Id}) exited with code 1; restarting in {delay} ms");
        }

        await ReplicasStopAsync();

        Assert.Equal(
            "The load balancer cannot run; the last it said was: LoadBalancer:RetryRatio must be from 0 to 1.",
            (await Assert.ThrowsAsync<ClusterException>(() => _running)).Message);
    }

    [Fact]
    public async Task A_taken_public_port_is_found_before_anything_is_started()
    {
        using var taken = new TcpListener(IPAddress.Loopback, _plan.LoadBalancer.Port);
        taken.Start();

        Run();

        Assert.Equal(
            $"Port {_plan.LoadBalancer.Port} is taken by another program: choose another by --port (Cluster:Port).",
            (await Assert.ThrowsAsync<ClusterException>(() => _running)).Message);
        Assert.False(_replicas.HasStartedAnother);
    }

    [Fact]
    public async Task Draining_stops_the_load_balancer_before_the_replicas()
    {
        var (replica, balancer) = await StartAsync();

        await _stop.CancelAsync();
        await balancer.StopAsked;
        Assert.False(replica.StopAsked.IsCompleted);

        balancer.Exit(0);
        await ReplicasStopAsync(replica);
        await _running;
    }

    [Fact]
    public async Task A_replica_that_dies_while_the_load_balancer_drains_is_replaced()
    {
        var (replica, balancer) = await StartAsync();
        await _stop.CancelAsync();
        await balancer.StopAsked;

        replica.Exit(137);
        await _output.WaitForAsync($"{replica.Name} ({replica.Id}) exited with code 137; restarting at once");

        Assert.Equal(replica.Name, (await _replicas.NextAsync()).Name);
    }

    [Fact]
    public async Task What_does_not_end_within_the_drain_limit_is_killed()
    {
        var (_, balancer) = await StartAsync();

        await _stop.CancelAsync();
        await balancer.StopAsked;
        _time.Advance(_plan.DrainTimeout);
        Assert.False(balancer.Exited.IsCompleted);

        Assert.Equal(137, await AdvanceUntilAsync(balancer.Exited));
    }

    [Fact]
    public async Task A_second_stop_kills_everything_at_once()
    {
        var (replica, balancer) = await StartAsync();
        await _stop.CancelAsync();
        await balancer.StopAsked;

        await _atOnce.CancelAsync();
        await _running;

        Assert.Equal((137, 137), (await balancer.Exited, await replica.Exited));
    }

    [Fact]
    public async Task A_stop_before_everything_is_up_stops_what_is()
    {
        Run();
        var replicas = new[] { await _replicas.NextAsync(), await _replicas.NextAsync() };

        await _stop.CancelAsync();
        await ReplicasStopAsync(replicas);
        await _running;

        Assert.False(_balancers.HasStartedAnother);
    }

    [Fact]
    public async Task A_standby_takes_over_at_once_and_is_followed_by_another()
    {
        var replica = await StartWithStandbyAsync();
        var standby = await StandbyOfAsync(replica);

        replica.Exit(137);
        await _output.WaitForAsync($"{replica.Name} ({replica.Id}) exited with code 137; its standby ({standby.Id}) takes over");
        await standby.ServeAsked;
        await _output.WaitForAsync(line => line.StartsWith($"{replica.Name} ({standby.Id}) is ready", StringComparison.Ordinal));
        Assert.False(_replicas.HasStartedAnother);

        var next = await StandbyOfAsync(replica);
        Assert.False(next.ServeAsked.IsCompleted);
    }

    [Fact]
    public async Task A_standby_that_ends_while_it_waits_is_replaced_and_its_replica_goes_on()
    {
        var replica = await StartWithStandbyAsync();
        var standby = await StandbyOfAsync(replica);

        standby.Exit(134);
        await _output.WaitForAsync($"{replica.Name}'s standby ({standby.Id}) exited with code 134; another in 100 ms");

        Assert.NotSame(standby, await StandbyOfAsync(replica));
        Assert.False(replica.StopAsked.IsCompleted);
    }

    [Fact]
    public async Task Standbys_that_never_wait_are_explained()
    {
        var replica = await StartWithStandbyAsync();
        for (var tries = 0; tries < 3; tries++)
        {
            (await StandbyOfAsync(replica)).Exit(134);
        }

        await _output.WaitForAsync(line => line.StartsWith($"{replica.Name}'s standby has failed 3 times", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_replica_that_dies_before_its_standby_is_there_is_started_again()
    {
        var replica = await StartWithStandbyAsync();

        replica.Exit(137);

        Assert.Equal(replica.Name, (await RestartedAsync(_replicas, TimeSpan.FromMilliseconds(100))).Name);
    }

    [Fact]
    public async Task Standbys_end_with_the_cluster()
    {
        var replica = await StartWithStandbyAsync();
        var standby = await StandbyOfAsync(replica);
        await _stop.CancelAsync();

        await _atOnce.CancelAsync();
        await _running;

        Assert.Equal(137, await standby.Exited);
        Assert.False(standby.ServeAsked.IsCompleted);
    }

    [Fact]
    public async Task Nobody_who_did_not_ask_for_standbys_has_them()
    {
        await StartAsync();
        _time.Advance(TimeSpan.FromMinutes(1));
        await Task.Delay(50, TestContext.Current.CancellationToken);

        Assert.False(_replicas.HasPreparedAnother);
    }

    [Fact]
    public async Task Warnings_of_the_plan_are_shown()
    {
        var supervisor = Supervisor(_plan with { Warnings = ["Mind the gap."] });
        await _stop.CancelAsync();

        var running = supervisor.RunAsync(_stop.Token, new(canceled: true));

        await running;
        Assert.Contains("Mind the gap.", _output.Lines);
    }

    [Fact]
    public async Task A_replica_that_hangs_at_its_start_keeps_the_others_waiting_no_longer_than_a_start_may_take()
    {
        Healthy(_plan.Replicas[0].Port);
        Hangs(_plan.Replicas[1].Port);
        Run();
        var instances = new[] { await _replicas.NextAsync(), await _replicas.NextAsync() };
        var hanging = instances.Single(instance => instance.Name is "replica-1");
        await _output.WaitForAsync(line => line.StartsWith("replica-0 (pid ", StringComparison.Ordinal));
        Assert.False(_balancers.HasStartedAnother);

        Assert.Equal(137, await AdvanceUntilAsync(hanging.Exited));

        Assert.Equal("loadbalancer", (await _balancers.NextAsync()).Name);
        await _output.WaitForAsync($"replica-1 ({hanging.Id}) has not answered {_plan.Replicas[1].Address}alive for 60 s (Connection refused): killing it");
        Assert.Equal("replica-1", (await RestartedAsync(_replicas, TimeSpan.FromMilliseconds(100))).Name);
        Assert.DoesNotContain(_output.Lines, line => line.StartsWith($"replica-0 ({instances[0].Id}) was killed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_hangs_later_is_killed_and_started_again()
    {
        var (replica, balancer) = await StartAsync();
        _time.Advance(TimeSpan.FromSeconds(2));
        foreach (var (instance, runtime, alive) in ((FakeInstance, FakeRuntime, Uri)[])[
            (replica, _replicas, _plan.Replicas.Single(planned => planned.Name == replica.Name).Address),
            (balancer, _balancers, _plan.LoadBalancer.AdminUrl)])
        {
            Hangs(alive.Port);

            Assert.Equal(137, await AdvanceUntilAsync(instance.Exited));

            await _output.WaitForAsync(line => line.StartsWith($"{instance.Name} ({instance.Id}) was killed, as it hung; restarting ", StringComparison.Ordinal));
            _hanging.Clear();
            Assert.Equal(instance.Name, (await RestartedAsync(runtime, TimeSpan.FromMilliseconds(100))).Name);
        }
    }

    [Fact]
    public async Task What_is_asked_and_not_ready_is_said_with_its_answer()
    {
        _answer = new(ProbeOutcome.Refuses, "503 Service Unavailable", 503);
        Run();
        var replica = await _replicas.NextAsync();

        var said = _output.WaitForAsync(line => line.Contains("is not ready after 10 s, as http://", StringComparison.Ordinal));
        for (var limit = new Deadline(); !said.IsCompleted; limit.Check())
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.EndsWith("/health gives: 503 Service Unavailable; still waiting", await said, StringComparison.Ordinal);
        Assert.False(replica.Exited.IsCompleted);
    }

    [Fact]
    public async Task A_crash_loop_is_said_once_with_the_last_words_and_goes_on_in_silence()
    {
        Healthy(_plan.Replicas[0].Port);
        Run();
        var instances = new[] { await _replicas.NextAsync(), await _replicas.NextAsync() };
        var crashing = instances.Single(instance => instance.Name is "replica-1");
        for (var ends = 1; ends <= 8; ends++)
        {
            crashing.Write($"out of luck");
            crashing.Exit(1);
            crashing = await RestartedAsync(_replicas, TimeSpan.FromSeconds(ends < 5 ? 1 : 60));
        }

        var said = Assert.Single(_output.Lines, line => line.Contains("crash loop", StringComparison.Ordinal));
        Assert.StartsWith(
            "replica-1 is in a crash loop: it has ended 5 times in a row; the last time it exited with code 1 and its last words were: out of luck.",
            said, StringComparison.Ordinal);
        Assert.Equal(4, _output.Lines.Count(line => line.StartsWith("replica-1 (", StringComparison.Ordinal)));
        Assert.Equal(5, _output.Lines.Count(line => line == "replica-1 | out of luck"));

        Healthy(_plan.Replicas[1].Port);
        await _output.WaitForAsync($"replica-1 ({crashing.Id}) is ready{(crashing.Core is { } core ? $" on core {core}" : "")}");
        crashing.Write("lucky after all");
        Assert.Contains("replica-1 | lucky after all", _output.Lines);
    }

    [Fact]
    public async Task A_standby_that_cannot_be_prepared_for_whatever_reason_costs_nobody_anything()
    {
        var replica = await StartWithStandbyAsync();
        _replicas.Failure = new InvalidOperationException("a mistake of our own");
        await AdvanceUntilAsync(_output.WaitForAsync(line => line.StartsWith($"{replica.Name}'s standby did not start: a mistake of our own", StringComparison.Ordinal)));

        _replicas.Failure = null;
        replica.Exit(137);
        for (var limit = new Deadline(); (await AdvanceUntilAsync(Task.WhenAny(_replicas.NextAsync(), _replicas.NextStandbyAsync()).Unwrap())).Name != replica.Name; limit.Check())
        {
            // Of the other one.
        }

        Assert.False(_running.IsCompleted);
    }

    [Fact]
    public async Task A_replica_starts_on_another_core_while_its_own_is_gone_and_returns_to_it()
    {
        var (replica, _) = await StartAsync();
        var planned = replica.Core!.Value;

        _replicas.Cores = [planned + 7];
        replica.Exit(137);
        replica = await RestartedAsync(_replicas, TimeSpan.FromMilliseconds(100));
        Assert.Equal(planned + 7, replica.Core);
        Assert.Equal($"{planned + 7}", replica.Environment["Replica__Core"]);
        await _output.WaitForAsync($"Core {planned} can no longer be used, only {planned + 7}: {replica.Name} starts on core {planned + 7} instead.");

        _replicas.Cores = [planned, planned + 7];
        replica.Exit(137);
        Assert.Equal(planned, (await RestartedAsync(_replicas, TimeSpan.FromMilliseconds(200))).Core);
        await _output.WaitForAsync($"Core {planned} can be used again: {replica.Name} returns to it.");
    }

    [Fact]
    public async Task What_cannot_be_killed_does_not_keep_the_cluster_from_ending()
    {
        var (replica, balancer) = await StartAsync();
        (replica.Immortal, balancer.Immortal) = (true, true);
        await _stop.CancelAsync();
        await _atOnce.CancelAsync();

        await AdvanceUntilAsync(_running.ContinueWith(_ => 0, TaskScheduler.Default));

        Assert.Contains("loadbalancer could not be ended and is left behind.", _output.Lines);
    }

    private Supervisor Supervisor(ClusterPlan plan) =>
        new(plan, _replicas, _balancers, _output) { Time = _time, Ask = AskAsync };

    private void Run(bool standby = false) => _running = Supervisor(_plan with { Standby = standby }).RunAsync(_stop.Token, _atOnce.Token);

    private void Healthy(int port) => _healthy[port] = true;

    private void Hangs(int port) => _hanging[port] = true;

    private void HealthyReplicas() => _plan.Replicas.ToList().ForEach(replica => Healthy(replica.Port));

    private Task<ProbeResult> AskAsync(Uri url, CancellationToken cancellationToken) => Task.FromResult(
        (url.AbsolutePath is "/alive" ? !_hanging.ContainsKey(url.Port) : _healthy.ContainsKey(url.Port))
            ? new ProbeResult(ProbeOutcome.Serves, "200 OK", 200)
            : new(_answer.Outcome, _answer.Text));

    /// <summary>Starts everything; returns one replica and the load balancer.</summary>
    private async Task<(FakeInstance Replica, FakeInstance Balancer)> StartAsync(bool standby = false)
    {
        HealthyReplicas();
        Healthy(_plan.LoadBalancer.Port);
        Run(standby);
        var replica = await _replicas.NextAsync();
        await _replicas.NextAsync();
        var balancer = await _balancers.NextAsync();
        await _output.WaitForAsync("READY");
        return (replica, balancer);
    }

    private async Task<FakeInstance> StartWithStandbyAsync() => (await StartAsync(standby: true)).Replica;

    /// <summary>The standby that is started for a replica next, once there has been time for it.</summary>
    private async Task<FakeInstance> StandbyOfAsync(FakeInstance replica)
    {
        for (var limit = new Deadline(); ; limit.Check())
        {
            var next = _replicas.NextStandbyAsync();
            await AdvanceUntilAsync(next);
            if ((await next).Name == replica.Name)
            {
                return await next;
            }
        }
    }

    // The supervisor says how long it waits just before it starts to, so the clock may have to be advanced again; seldom,
    // because all of it counts as health.
    private async Task<FakeInstance> RestartedAsync(FakeRuntime runtime, TimeSpan delay)
    {
        var next = runtime.NextAsync();
        var limit = new Deadline();
        for (var wait = 20; await Task.WhenAny(next, Task.Delay(wait)) != next; wait = 1000)
        {
            limit.Check();
            _time.Advance(delay);
        }

        return await next;
    }

    private async Task<T> AdvanceUntilAsync<T>(Task<T> task)
    {
        for (var limit = new Deadline(); await Task.WhenAny(task, Task.Delay(20)) != task; limit.Check())
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        return await task;
    }

    private async Task ReplicasStopAsync(params FakeInstance[] known)
    {
        var instances = known.ToList();
        for (var limit = new Deadline(); _replicas.HasStartedAnother; limit.Check())
        {
            instances.Add(await _replicas.NextAsync());
        }

        foreach (var instance in instances)
        {
            instance.Exit(0);
        }

        await AdvanceUntilAsync(_running.ContinueWith(_ => 0, TaskScheduler.Default));
    }
}
