using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;

namespace ClusterAspire.Hosting.Status;

/// <summary>Properties of a row in the dashboard.</summary>
internal static class PropertyExtensions
{
    /// <summary>The properties with one more, or with another value of one.</summary>
    public static ImmutableArray<ResourcePropertySnapshot> With(this ImmutableArray<ResourcePropertySnapshot> properties, string name, object? value) =>
        [.. properties.Where(property => property.Name != name), new(name, value) { IsHighlighted = true }];
}
