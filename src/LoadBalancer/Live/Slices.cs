namespace ClusterAspire.LoadBalancer.Live;

/// <summary>A drawing of the last five minutes in slices: each is drawn while it grows, and never again.</summary>
/// <remarks>
/// The charts of libraries draw all five minutes again each second, which costs the balancer more than a page may. Here every second
/// is drawn where it is in absolute time, and what moves is the view box.
/// </remarks>
/// <typeparam name="T">What is drawn.</typeparam>
/// <param name="draw">Draws the seconds from one to another, both included.</param>
public sealed class Slices<T>(Func<long, long, T> draw)
    where T : class
{
    private const int Width = 30;

    private readonly List<Slice<T>> _slices = [];
    private long _drawn;

    /// <summary>The slices when a second is the last, oldest first.</summary>
    public IReadOnlyList<Slice<T>> Until(long now)
    {
        var first = Math.Max((now - LiveFeed.Kept + 1) / Width, 0);
        _slices.RemoveAll(slice => slice.Number < first);
        for (var number = Math.Max(first, _drawn / Width); number <= now / Width; number++)
        {
            if (_slices.Count == 0 || _slices[^1].Number != number)
            {
                _slices.Add(new(number));
            }

            _slices[^1].Drawing = draw(number * Width, Math.Min(now, (number * Width) + Width - 1));
        }

        _drawn = now;
        return _slices;
    }
}
