using System.Globalization;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>Numbers as the page writes them.</summary>
internal static class Figures
{
    /// <summary>Milliseconds in three digits or so, without the unit; a dash for none.</summary>
    public static string Milliseconds(double? value) => value switch
    {
        null => "–",
        < 10 => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
        < 100 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("#,0", CultureInfo.InvariantCulture),
    };

    /// <summary>Milliseconds in the unit that suits them.</summary>
    public static string Latency(double milliseconds) => milliseconds switch
    {
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.##} ms"),
        < 100 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.#} ms"),
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.##} s"),
    };
}
