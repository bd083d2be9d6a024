namespace ClusterAspire.LoadBalancer.Live;

/// <summary>The colours of lines; what they look like in light and dark is the style sheet's business.</summary>
internal static class Palette
{
    private const int Colors = 8;

    /// <summary>The compute queue's colour.</summary>
    public const string Queue = "var(--queue)";

    /// <summary>The colour of the replica at a position.</summary>
    public static string Of(int position) => $"var(--line-{position % Colors})";
}
