using ClusterAspire.LoadBalancer.Live;

namespace ClusterAspire.Bench;

/// <summary>Keeps what becomes of the requests of one stream; times are since the stream began, warm-up included.</summary>
/// <param name="warmUp">Requests due before this are not recorded.</param>
/// <param name="end">When recording ends.</param>
internal sealed class StreamRecorder(TimeSpan warmUp, TimeSpan end)
{
    private static readonly TimeSpan SliceLength = TimeSpan.FromSeconds(0.1);

    private readonly Lock _lock = new();
    private readonly Latencies _latencies = new();
    private readonly Dictionary<string, long> _failures = [];
    private readonly Dictionary<int, (long Succeeded, long Failed, TimeSpan Slowest)> _slices = [];
    private long _succeeded;
    private long _unanswered;
    private double _answersInside;
    private TimeSpan _lastSuccess;
    private TimeSpan _longestSilence;

    /// <summary>A request was answered.</summary>
    /// <param name="due">When it was due.</param>
    /// <param name="answered">When it was answered.</param>
    /// <param name="failure">Why it failed, or null.</param>
    public void Answered(TimeSpan due, TimeSpan answered, string? failure)
    {
        lock (_lock)
        {
            if (failure is null)
            {
                Succeeded(answered);
                _answersInside += ShareInside(due, answered);
            }

            if (due < warmUp || due >= end)
            {
                return;
            }

            var slice = (int)((due - warmUp) / SliceLength);
            var (succeeded, failed, slowest) = _slices.GetValueOrDefault(slice);
            if (failure is null)
            {
                _succeeded++;
                _latencies.Add(answered - due);
                _slices[slice] = (succeeded + 1, failed, answered - due > slowest ? answered - due : slowest);
            }
            else
            {
                _failures[failure] = _failures.GetValueOrDefault(failure) + 1;
                _slices[slice] = (succeeded, failed + 1, slowest);
            }
        }
    }

    /// <summary>Nobody waits for the answer any longer: its age is the least its latency would have been.</summary>
    public void Unanswered(TimeSpan due, TimeSpan now)
    {
        lock (_lock)
        {
            if (due >= warmUp && due < end)
            {
                _unanswered++;
                _latencies.Add(now - due);
            }
        }
    }

    /// <summary>What was recorded.</summary>
    public StreamReport Report()
    {
        lock (_lock)
        {
            Succeeded(end);
            return new StreamReport
            {
                Sent = _succeeded + _failures.Values.Sum() + _unanswered,
                Succeeded = _succeeded,
                Failures = new Dictionary<string, long>(_failures),
                Unanswered = _unanswered,
                PerSecond = _answersInside / (end - warmUp).TotalSeconds,
                LongestSilence = _longestSilence.TotalMilliseconds,
                Latencies = _latencies.ToPairs(),
                Slices = [.. from slice in _slices
                             orderby slice.Key
                             let value = slice.Value
                             select new TimeSlice(slice.Key * SliceLength.TotalSeconds, value.Succeeded, value.Failed, value.Slowest.TotalMilliseconds)],
            };
        }
    }

    private void Succeeded(TimeSpan at)
    {
        var inside = Inside(at);
        if (inside > _lastSuccess)
        {
            var silence = inside - Inside(_lastSuccess);
            _longestSilence = silence > _longestSilence ? silence : _longestSilence;
            _lastSuccess = inside;
        }
    }

    private double ShareInside(TimeSpan from, TimeSpan to)
    {
        var inside = Inside(to) - Inside(from);
        return to > from ? inside / (to - from) : from >= warmUp && to < end ? 1 : 0;
    }

    private TimeSpan Inside(TimeSpan at) => at < warmUp ? warmUp : at > end ? end : at;
}
