using System.Globalization;

namespace ClusterAspire.Orchestration.Kubernetes;

/// <summary>Writes amounts of memory as Kubernetes does.</summary>
internal static class Quantity
{
    /// <summary>What a container asks for and the most it may have.</summary>
    /// <param name="most">The most it may have as container engines write it (<c>256m</c>), or null for the usual.</param>
    /// <param name="request">What it usually asks for, in Mi.</param>
    /// <param name="limit">The usual limit.</param>
    public static (string Request, string Limit) RequestAndLimit(string? most, string request, string limit)
    {
        if (most is null)
        {
            return (request, limit);
        }

        var quantity = Of(most);
        return (Bytes(most) < long.Parse(request[..^2], CultureInfo.InvariantCulture) << 20 ? quantity : request, quantity);
    }

    // An engine's k, m and g are powers of 1024.
    private static string Of(string size) => size[^1] switch
    {
        'k' => $"{size[..^1]}Ki",
        'm' => $"{size[..^1]}Mi",
        'g' => $"{size[..^1]}Gi",
        'b' => size[..^1],
        _ => size,
    };

    private static double Bytes(string size) =>
        double.Parse(size.TrimEnd('b', 'k', 'm', 'g'), CultureInfo.InvariantCulture) * size[^1] switch
        {
            'k' => 1 << 10,
            'm' => 1 << 20,
            'g' => 1 << 30,
            _ => 1,
        };
}
