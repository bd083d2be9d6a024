using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace ClusterAspire.Bench;

/// <summary>What all pictures have in common.</summary>
internal static class ChartStyle
{
    /// <summary>Ours.</summary>
    public static readonly Color Ours = Color.FromHex("#5B2AA0");

    /// <summary>Others, each system always in its colour.</summary>
    private static readonly IReadOnlyDictionary<string, Color> Colors = new Dictionary<string, Color>
    {
        [Systems.Cluster] = Ours,
        [Systems.ClusterWithTelemetry] = Color.FromHex("#8F6CC9"),
        [Systems.OneProcess] = Color.FromHex("#1B8A8F"),
        [Systems.OneProcessThreadPool] = Color.FromHex("#D98C00"),
        [Systems.YarpThreadPool] = Color.FromHex("#C2410C"),
        ["Node, one process"] = Color.FromHex("#8A8F98"),
        ["Node cluster"] = Color.FromHex("#3F8F3A"),
        ["PM2 cluster"] = Color.FromHex("#2F6FB3"),
    };

    private static readonly Color Text = Color.FromHex("#24292F");
    private static readonly Color Faint = Color.FromHex("#57606A");
    private static readonly Color Grid = Color.FromHex("#E7EAEE");

    // Any sans-serif font of this machine; the default font may have serifs.
    private static readonly string Font = new[] { "Inter", "Helvetica Neue", "Segoe UI", "Arial", "Liberation Sans", "DejaVu Sans" }
        .FirstOrDefault(SKFontManager.Default.FontFamilies.Contains, Fonts.Default);

    /// <summary>Failed requests.</summary>
    public static Color Failure { get; } = Color.FromHex("#C9252D");

    /// <summary>The system's colour.</summary>
    public static Color Of(string system) => Colors.GetValueOrDefault(system, Color.FromHex("#9AA4B2"));

    /// <summary>A plot with title and quiet axes.</summary>
    public static Plot Create(string title, string x, string y)
    {
        var plot = new Plot();
        plot.Font.Set(Font);
        plot.FigureBackground.Color = ScottPlot.Colors.White;
        plot.DataBackground.Color = ScottPlot.Colors.White;
        plot.Grid.MajorLineColor = Grid;
        plot.Axes.Color(Faint);
        plot.Axes.Title.Label.Text = title;
        plot.Axes.Title.Label.FontSize = 18;
        plot.Axes.Title.Label.ForeColor = Text;
        plot.Axes.Bottom.Label.Text = x;
        plot.Axes.Left.Label.Text = y;
        foreach (var axis in new IAxis[] { plot.Axes.Bottom, plot.Axes.Left })
        {
            axis.Label.Bold = false;
            axis.Label.FontSize = 14;
            axis.TickLabelStyle.FontSize = 13;
        }

        plot.Axes.Right.FrameLineStyle.Width = 0;
        plot.Axes.Top.FrameLineStyle.Width = 0;
        plot.Legend.FontSize = 13;
        plot.Legend.OutlineColor = ScottPlot.Colors.Transparent;
        plot.Legend.ShadowColor = ScottPlot.Colors.Transparent;
        plot.Legend.BackgroundColor = ScottPlot.Colors.White.WithAlpha(0.85);
        return plot;
    }

    /// <summary>Says below the plot where its numbers come from.</summary>
    public static void Sign(this Plot plot, Results results)
    {
        var origin = plot.Axes.AddBottomAxis();
        origin.LabelText = Report.Origin(results);
        origin.LabelStyle.Bold = false;
        origin.LabelFontSize = 11;
        origin.LabelFontColor = Faint;
        origin.TickGenerator = new EmptyTickGenerator();
        origin.FrameLineStyle.Width = 0;
    }

    /// <summary>Makes the left axis logarithmic, in ms: what is plotted must be the decimal logarithm.</summary>
    public static void LogarithmicMilliseconds(this Plot plot, double lowest, double highest)
    {
        var (from, to) = (Math.Floor(Math.Log10(lowest)), Math.Ceiling(Math.Log10(highest)));
        plot.Axes.Left.TickGenerator = new NumericAutomatic
        {
            MinorTickGenerator = new LogMinorTickGenerator(),
            IntegerTicksOnly = true,
            LabelFormatter = exponent => Duration(Math.Pow(10, exponent)),
        };
        plot.Axes.SetLimitsY(from, to);
    }

    /// <summary>A time in the unit one would say it in.</summary>
    public static string Duration(double milliseconds) => milliseconds switch
    {
        < 0.1 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds * 1000:0} µs"),
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds:0.#} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.#} s"),
    };

    /// <summary>Saves it as PNG, twice as fine as a screen.</summary>
    public static void SavePicture(this Plot plot, string path, int width, int height) => SavePicture([plot], path, width, height);

    /// <summary>Saves plots one below the other. ScottPlot's own multiplot cannot scale them.</summary>
    public static void SavePicture(IReadOnlyList<Plot> plots, string path, int width, int height)
    {
        const int Scale = 2;
        using var surface = SKSurface.Create(new SKImageInfo(Scale * width, Scale * height * plots.Count));
        for (var i = 0; i < plots.Count; i++)
        {
            plots[i].ScaleFactor = Scale;
            using var image = SKImage.FromEncodedData(plots[i].GetImageBytes(Scale * width, Scale * height, ImageFormat.Png));
            surface.Canvas.DrawImage(image, 0, i * Scale * height);
        }

        using var picture = surface.Snapshot().Encode(SKEncodedImageFormat.Png, quality: 100);
        using var file = File.Create(path + ".png");
        picture.SaveTo(file);
    }
}
