using System.Collections.Concurrent;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Processes;
using ClusterAspire.Orchestration.Runtime;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

/// <summary>Real processes: a shell script each.</summary>
public sealed class ProcessRuntimeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("clusteraspire-processes-").FullName;
    private readonly ConcurrentQueue<string> _output = new();

    public ProcessRuntimeTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "These processes are shell scripts.");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_pinned_process_has_its_one_core_from_the_first_thread_on()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Affinity is read from /proc.");
        foreach (var core in Machine.Current.Cores)
        {
            await RunAsync("grep Cpus_allowed_list /proc/self/status; echo processors=$DOTNET_PROCESSOR_COUNT", core);

            Assert.Equal([$"Cpus_allowed_list:\t{core}", "processors=1"], _output);
            _output.Clear();
        }
    }

    [Fact]
    public async Task A_process_that_is_not_pinned_may_use_every_core()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Affinity is read from /proc.");
        await RunAsync("grep Cpus_allowed_list /proc/self/status", core: null);

        Assert.Equal(Machine.Current.Cores, Machine.ParseCores(Assert.Single(_output).Split(':')[1]));
    }

    [Fact]
    public void A_core_this_process_may_not_use_is_said_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere processes are pinned after their start.");

        var exception = Assert.Throws<ClusterException>(() => { _ = Start("exit 0", core: 1023); });

        Assert.Contains("could not be started", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_told_what_the_plan_says_and_whose_child_it_is()
    {
        await RunAsync("echo $Replica__Name; echo $ASPNETCORE_URLS; echo $URLS; echo $Supervisor__Pid; pwd");

        Assert.Equal(["replica-0", "http://127.0.0.1:20123", "http://127.0.0.1:20123", $"{Environment.ProcessId}", _directory], _output);
    }

    [Theory]
    [InlineData("URLS")]
    [InlineData("DOTNET_HTTP_PORTS")]
    [InlineData("ASPNETCORE_HTTPS_PORTS")]
    [InlineData("Kestrel__Endpoints__Https__Url")]
    [InlineData("ASPNETCORE_Kestrel__Endpoints__Https__Url")]
    public async Task Nothing_else_says_where_it_listens(string variable)
    {
        Environment.SetEnvironmentVariable(variable, "http://127.0.0.1:1");
        try
        {
            await RunAsync("env");
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, null);
        }

        Assert.DoesNotContain($"{variable}=http://127.0.0.1:1", _output);
        Assert.Contains("ASPNETCORE_URLS=http://127.0.0.1:20123", _output);
    }

    [Theory]
    [InlineData("exit 3", 3)]
    [InlineData("kill -9 $$", 137)]
    [InlineData("kill -TERM $$", 143)]
    public async Task Its_exit_code_tells_of_a_signal(string script, int code) =>
        Assert.Equal(code, await RunAsync(script));

    [Fact]
    public async Task Everything_it_wrote_is_handed_on_before_it_counts_as_exited()
    {
        await RunAsync("for i in $(seq 1000); do echo out $i; done; echo oops >&2");

        Assert.Equal(1001, _output.Count);
        Assert.Contains("oops", _output);
    }

    [Fact]
    public async Task A_standby_is_told_that_it_is_one_and_when_it_is_to_serve()
    {
        await using var standby = await Shell.PrepareAsync(Workload("echo $Supervisor__Standby; read line; echo $line"), _output.Enqueue, TestContext.Current.CancellationToken);
        await LineAsync("true");

        await standby.ServeAsync();

        Assert.Equal(0, await ExitAsync(standby));
        Assert.Equal(["true", "serve"], _output);
    }

    [Fact]
    public async Task A_standby_that_has_ended_can_be_told_to_serve_all_the_same()
    {
        await using var standby = await Shell.PrepareAsync(Workload("exit 5"), _output.Enqueue, TestContext.Current.CancellationToken);
        Assert.Equal(5, await ExitAsync(standby));

        await standby.ServeAsync();
    }

    [Fact]
    public async Task Stopping_asks_it_to_end_by_itself()
    {
        await using var instance = Start("trap 'echo draining; exit 0' TERM; echo up; while :; do sleep 0.1; done");
        await LineAsync("up");

        await instance.StopAsync();

        Assert.Equal(0, await ExitAsync(instance));
        Assert.Contains("draining", _output);
    }

    [Fact]
    public async Task Killing_ends_what_it_started_as_well()
    {
        await using var instance = Start("trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000");
        var grandchild = await LineAsync(null);

        await instance.KillAsync();

        Assert.Equal(137, await ExitAsync(instance));
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Processes are looked up in /proc.");
        await Eventually.IsTrueAsync(() => !File.Exists($"/proc/{grandchild}/stat") || File.ReadAllText($"/proc/{grandchild}/stat").Contains(") Z ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stopping_asks_what_it_started_too_and_lets_that_finish()
    {
        // Its shell ends at once, by the signal.
        await using var instance = Start("sh -c 'trap \"echo drained; exit 0\" TERM; echo up; while :; do sleep 0.1; done' & wait");
        await LineAsync("up");

        await instance.StopAsync();

        await ExitAsync(instance);
        Assert.Contains("drained", _output);
    }

    [Fact]
    public async Task What_it_leaves_behind_when_it_dies_ends_with_it()
    {
        await using var instance = Start("trap '' TERM HUP; sleep 1000 & echo $!; sleep 1000 & kill -9 $$");
        var child = await LineAsync(null);

        Assert.Equal(137, await ExitAsync(instance));

        Assert.SkipUnless(OperatingSystem.IsLinux(), "Processes are looked up in /proc.");
        await Eventually.IsTrueAsync(() => !File.Exists($"/proc/{child}/stat") || File.ReadAllText($"/proc/{child}/stat").Contains(") Z ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_leads_a_session_of_its_own_with_the_signals_as_a_program_expects_them()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are read from /proc.");
        await RunAsync("cut -d' ' -f1,5,6 /proc/$$/stat; grep SigBlk /proc/self/status; yes | head -n 1; kill -PIPE $$");

        var numbers = _output.First().Split(' ');
        Assert.Single(numbers.Distinct());
        Assert.Contains("SigBlk:\t0000000000000000", _output);
    }

    [Fact]
    public async Task A_line_without_an_end_is_cut_and_does_not_stop_it()
    {
        await RunAsync("head -c 300000 /dev/zero | tr '\\0' x; echo; echo after");

        Assert.Equal(["after"], _output.Skip(1));
        Assert.EndsWith("… (cut)", _output.First(), StringComparison.Ordinal);
        Assert.InRange(_output.First().Length, 1000, 20_000);
    }

    [Fact]
    public async Task Who_takes_its_output_and_fails_does_not_stop_it()
    {
        var lines = 0;
        void Fail(string line)
        {
            lines++;
            throw new IOException("No space left on device");
        }

        await using var instance = await Shell
            .StartAsync(Workload("for i in $(seq 20000); do echo a line of some length, longer than a pipe holds; done"), Fail, TestContext.Current.CancellationToken);

        Assert.Equal(0, await ExitAsync(instance));
        Assert.Equal(20000, lines);
    }

    [Fact]
    public async Task One_that_leaves_a_child_with_its_output_behind_still_counts_as_exited()
    {
        await using var instance = Start("sleep 5 & exit 4");

        Assert.Equal(4, await ExitAsync(instance));
    }

    [Fact]
    public void A_missing_build_is_said_in_one_sentence() =>
        Assert.Equal(
            $"{_directory}/none.dll does not exist: build it, or name another built service by --service (Cluster:Service).",
            Assert.Throws<ClusterException>(() => new ProcessRuntime(Path.Combine(_directory, "none.dll"))).Message);

    [Theory]
    [InlineData("library.dll")]
    [InlineData("Service.csproj")]
    public void What_cannot_be_run_is_said_in_one_sentence(string name)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, "");

        Assert.StartsWith($"{path} is no program: ", Assert.Throws<ClusterException>(() => new ProcessRuntime(path)).Message, StringComparison.Ordinal);
    }

    private async Task<int> RunAsync(string script, int? core = null)
    {
        await using var instance = Start(script, core);
        return await ExitAsync(instance);
    }

    private IInstance Start(string script, int? core = null) =>
        Shell.StartAsync(Workload(script, core), _output.Enqueue, TestContext.Current.CancellationToken).GetAwaiter().GetResult();

    // A link, not a script that is written here: a process that another test has just forked would have that open, and it could not
    // be started.
    private ProcessRuntime Shell
    {
        get
        {
            var path = Path.Combine(_directory, "sh");
            if (!File.Exists(path))
            {
                File.CreateSymbolicLink(path, "/bin/sh");
            }

            return new(path);
        }
    }

    private static Workload Workload(string script, int? core = null) =>
        new("replica-0", core, 20123, new("http://127.0.0.1:20123/health"), new("http://127.0.0.1:20123/alive"), new Dictionary<string, string> { ["Replica__Name"] = "replica-0" }) { Arguments = ["-c", script] };

    private static Task<int> ExitAsync(IInstance instance) =>
        instance.Exited.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

    private async Task<string> LineAsync(string? wanted)
    {
        await Eventually.IsTrueAsync(() => wanted is null ? !_output.IsEmpty : _output.Contains(wanted));
        return _output.First();
    }
}
