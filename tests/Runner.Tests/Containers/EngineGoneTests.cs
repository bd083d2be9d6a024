namespace ClusterAspire.Runner.Tests;

/// <summary>An engine that stops answering while the cluster runs. It is a script, as no real one can be made to fail on command.</summary>
public sealed class EngineGoneTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusteraspire-engine-").FullName;

    public EngineGoneTests()
    {
        Requires.Linux();
        var docker = Path.Combine(_folder, "docker");
        File.WriteAllText(docker, $$"""
            #!/bin/sh
            here='{{_folder}}'
            id=0123456789abcdef
            if [ -e $here/fails ]; then echo 'Cannot connect to the Docker daemon.' >&2; exit 1; fi
            if [ -e $here/hangs ]; then exec sleep 1000; fi
            running() { kill -0 $(cat $here/pid) 2> /dev/null; }
            case $1 in
                info) echo '{"OSType":"linux","ServerVersion":"28.0","NCPU":2,"CPUSet":true}' ;;
                image) echo 'sha256:1 {}' ;;
                create)
                    export -p > $here/environment
                    while [ "$1" != --publish ]; do shift; done
                    echo $2 | cut -d: -f2 > $here/port
                    echo $id ;;
                start)
                    . $here/environment
                    unset Supervisor__Pid
                    export ASPNETCORE_URLS=http://127.0.0.1:$(cat $here/port) URLS=http://127.0.0.1:$(cat $here/port)
                    setsid {{RunnerProcess.Dotnet}} {{BuiltProgram.Service}} > $here/log 2>&1 < /dev/null &
                    echo $! > $here/pid ;;
                logs) while running; do sleep 0.2; done ;;
                inspect) if running; then echo 'true 0 false'; else echo 'false 143 false'; fi ;;
                kill) case $2 in --signal) kill -TERM $(cat $here/pid) ;; *) kill -KILL $(cat $here/pid) ;; esac ;;
            esac

            """);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(docker, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    public void Dispose()
    {
        if (File.Exists(Path.Combine(_folder, "pid")) && int.TryParse(File.ReadAllText(Path.Combine(_folder, "pid")), out var pid) && TestProcess.IsRunning(pid))
        {
            Unix.Signal(pid, Unix.SigKill);
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("fails")]
    [InlineData("hangs")]
    public async Task A_second_signal_ends_the_cluster_at_once(string how)
    {
        await using var cluster = await StartAsync("--drain-timeout", "3600");
        await LoseEngineAsync(how);

        cluster.Runner.Signal(Unix.SigTerm);
        await cluster.Runner.LineAsync(line => line.StartsWith("Draining: ", StringComparison.Ordinal), "it drains");
        // Within half a second it would count as the same.
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        cluster.Runner.Signal(Unix.SigTerm);

        Assert.Equal(128 + Unix.SigTerm, await cluster.Runner.ExitAsync());
    }

    [Theory]
    [InlineData("fails")]
    [InlineData("hangs")]
    public async Task One_signal_ends_it_too_and_what_is_left_behind_is_said(string how)
    {
        await using var cluster = await StartAsync("--drain-timeout", "1");
        await LoseEngineAsync(how);

        cluster.Runner.Signal(Unix.SigTerm);

        Assert.Equal(0, await cluster.Runner.ExitAsync());
        Assert.Contains("replica-0 could not be ended and is left behind.", cluster.Runner.Output);
    }

    [Fact]
    public async Task A_replica_of_an_engine_that_does_not_answer_is_not_taken_for_gone()
    {
        await using var cluster = await StartAsync();
        var before = Assert.Single(await cluster.ReplicasAsync());

        await LoseEngineAsync("fails");
        Assert.Equal("replica-0", await cluster.FastAsync());
        File.Delete(Path.Combine(_folder, "fails"));
        // It is asked again after two seconds at most.
        await Task.Delay(TimeSpan.FromSeconds(4), TestContext.Current.CancellationToken);

        Assert.Equal(before.Pid, Assert.Single(await cluster.ReplicasAsync()).Pid);
        Assert.DoesNotContain(cluster.Runner.Output, line => line.Contains("exited", StringComparison.Ordinal));
        cluster.Runner.Signal(Unix.SigTerm);
        Assert.Equal(0, await cluster.Runner.ExitAsync());
    }

    private async Task<Cluster> StartAsync(params string[] switches)
    {
        var cluster = Cluster.Begin(new AnyContainers(), 1, ["--image", "any", .. switches], ("PATH", $"{_folder}:{Environment.GetEnvironmentVariable("PATH")}"));
        await cluster.Runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");
        await cluster.ServesAsync(1);
        return cluster;
    }

    private async Task LoseEngineAsync(string how)
    {
        File.WriteAllText(Path.Combine(_folder, how), "");
        // What follows the replica's output notices by itself.
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
    }

    private sealed class AnyContainers : RuntimeUnderTest
    {
        public override string Name => "container";

        public override void SkipWhereMissing() => Requires.Linux();

        public override void Kill(Replica replica) => Unix.Signal(replica.Pid!.Value, Unix.SigKill);

        public override void Freeze(Replica replica) => Unix.Signal(replica.Pid!.Value, Unix.SigStop);
    }
}
