using Microsoft.AspNetCore.Components;
using Radzen.Blazor;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>
/// A line whose points are in order. Radzen's own sorts its data whenever they change, by a query that it compiles
/// each time: more than half of what the page cost the balancer.
/// </summary>
public sealed class SortedLine : RadzenLineSeries<ChartPoint>
{
    /// <summary>The points, by <see cref="ChartPoint.X"/>. Instead of <c>Data</c>.</summary>
    [Parameter]
    [EditorRequired]
    public required IList<ChartPoint> Points { get; set; }

    /// <inheritdoc/>
    public override async Task SetParametersAsync(ParameterView parameters)
    {
        await base.SetParametersAsync(parameters);
        if (!ReferenceEquals(Items, Points))
        {
            Items = Points;
            await RequireChart().Reload();
        }
    }
}
