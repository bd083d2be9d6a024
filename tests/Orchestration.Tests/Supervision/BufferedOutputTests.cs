using System.Globalization;
using ClusterAspire.Orchestration.Plan;
using ClusterAspire.Orchestration.Supervision;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class BufferedOutputTests
{
    private const int Many = 100_000;

    private readonly Terminal _terminal = new();

    [Fact]
    public async Task What_the_terminal_does_not_take_is_counted_and_said_when_it_does_again()
    {
        using var output = new BufferedOutput(_terminal);
        _terminal.Takes.Reset();
        for (var i = 0; i < Many; i++)
        {
            output.Line("replica-0", "a line of some length, as programs write them");
        }

        // There is room for what the supervisor itself has to say.
        output.Warn("replica-0 exited");
        _terminal.Takes.Set();

        await _terminal.Recorded.WaitForAsync("replica-0 exited");
        output.Say("end");
        await _terminal.Recorded.WaitForAsync("end");
        // Said in one piece or in two, as the first may have been about to be said when the terminal stopped.
        var dropped = _terminal.Recorded.Lines.Where(line => line.Contains("dropped", StringComparison.Ordinal))
            .Sum(said => int.Parse(said[..said.IndexOf(" lines", StringComparison.Ordinal)].Replace(" ", "", StringComparison.Ordinal), CultureInfo.InvariantCulture));
        Assert.InRange(dropped, 1, Many);
        Assert.Equal(Many, dropped + _terminal.Recorded.Lines.Count(line => line.StartsWith("replica-0 | ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_full_disk_costs_lines_and_nothing_else()
    {
        using var output = new BufferedOutput(_terminal);
        _terminal.Failure = new IOException("No space left on device");
        output.Warn("lost");
        output.Line("replica-0", "lost");
        await Eventually.IsTrueAsync(() => _terminal.Failures >= 2);

        _terminal.Failure = null;
        output.Say("there is room again");

        await _terminal.Recorded.WaitForAsync("there is room again");
        Assert.Equal(["2 lines dropped, as this output could not be written, or not as fast.", "there is room again"], _terminal.Recorded.Lines);
    }

    [Fact]
    public void What_is_queued_is_written_before_the_end()
    {
        using (var output = new BufferedOutput(_terminal))
        {
            for (var i = 0; i < 1000; i++)
            {
                output.Say($"{i}");
            }
        }

        Assert.Equal(1000, _terminal.Recorded.Lines.Count);
    }

    private sealed class Terminal : IClusterOutput
    {
        public RecordedOutput Recorded { get; } = new();

        public ManualResetEventSlim Takes { get; } = new(true);

        public IOException? Failure { get; set; }

        public int Failures { get; private set; }

        public void Line(string workload, string line) => Write(() => Recorded.Line(workload, line));

        public void Say(string message) => Write(() => Recorded.Say(message));

        public void Warn(string message) => Write(() => Recorded.Warn(message));

        public void Ready(ClusterPlan plan) => Write(() => Recorded.Ready(plan));

        private void Write(Action write)
        {
            Takes.Wait(TestContext.Current.CancellationToken);
            if (Failure is not null)
            {
                Failures++;
                throw Failure;
            }

            write();
        }
    }
}
