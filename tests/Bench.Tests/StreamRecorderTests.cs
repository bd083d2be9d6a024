using ClusterAspire.LoadBalancer.Live;
using Xunit;

namespace ClusterAspire.Bench.Tests;

public sealed class StreamRecorderTests
{
    [Fact]
    public void A_request_that_overlaps_the_begin_or_the_end_counts_with_its_share_inside()
    {
        var recorder = new StreamRecorder(Seconds(10), Seconds(20));
        recorder.Answered(Seconds(9), Seconds(11), null);
        recorder.Answered(Seconds(12), Seconds(14), null);
        recorder.Answered(Seconds(19), Seconds(23), null);
        recorder.Answered(Seconds(5), Seconds(9), null);
        recorder.Answered(Seconds(21), Seconds(22), null);

        // A half, a whole and a quarter in ten seconds.
        Assert.Equal(0.175, recorder.Report().PerSecond, 6);
    }

    [Fact]
    public void The_longest_silence_is_the_longest_time_without_a_success()
    {
        var recorder = new StreamRecorder(Seconds(1), Seconds(10));
        recorder.Answered(Seconds(0.4), Seconds(0.5), null);
        recorder.Answered(Seconds(2), Seconds(2), null);
        recorder.Answered(Seconds(3), Seconds(3), "connection refused");
        recorder.Answered(Seconds(5.5), Seconds(5.5), null);
        recorder.Answered(Seconds(8), Seconds(8), null);

        Assert.Equal(3500, recorder.Report().LongestSilence, 3);
    }

    [Fact]
    public void Silence_lasts_to_the_end_when_nothing_succeeds_any_more()
    {
        var recorder = new StreamRecorder(Seconds(0), Seconds(10));
        recorder.Answered(Seconds(2), Seconds(2), null);

        Assert.Equal(8000, recorder.Report().LongestSilence, 3);
    }

    [Fact]
    public void Slices_say_when_requests_failed()
    {
        var recorder = new StreamRecorder(Seconds(1), Seconds(2));
        recorder.Answered(Seconds(1.02), Seconds(1.03), null);
        recorder.Answered(Seconds(1.08), Seconds(1.58), null);
        recorder.Answered(Seconds(1.25), Seconds(1.26), "connection lost");

        Assert.Equal(
            [new TimeSlice(0, 2, 0, 500), new TimeSlice(0.2, 0, 1, 0)],
            recorder.Report().Slices);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
