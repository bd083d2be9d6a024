namespace ClusterAspire.Bench;

/// <summary>What is said of several measurements of one thing.</summary>
internal static class Statistics
{
    /// <summary>The middle one; the mean of the two in the middle when their number is even; not a number when there are none.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
