using Microsoft.AspNetCore.Components;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>Some seconds of a drawing: drawn while they grow, and never again.</summary>
public abstract class GrowingSlice : ComponentBase
{
    /// <summary>How many seconds go together.</summary>
    public const int Width = 10;

    private double _drawn;
    private bool _grew;

    /// <summary>The last second it has something for.</summary>
    protected abstract double Last { get; }

    /// <inheritdoc/>
    protected override void OnParametersSet()
    {
        _grew = Last != _drawn;
        _drawn = Last;
    }

    /// <inheritdoc/>
    protected override bool ShouldRender() => _grew;
}
