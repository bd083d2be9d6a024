using ClusterAspire.LoadBalancer.Admin;
using ClusterAspire.LoadBalancer.Live.Components;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>The live page on the admin port.</summary>
internal static class LiveExtensions
{
    /// <summary>Adds the page and what it shows.</summary>
    public static void AddLivePage(this WebApplicationBuilder builder)
    {
        // Before publishing, the page's files are in the packages' folders, where .NET looks for them in Development only.
        builder.WebHost.UseStaticWebAssets();
        builder.Services.AddSingleton<Experiment>();
        builder.Services.AddSingleton<LiveFeed>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<LiveFeed>());
        // A page that lost its connection has no state to keep, so it is dropped at once.
        builder.Services.AddRazorComponents().AddInteractiveServerComponents(circuits => circuits.DisconnectedCircuitMaxRetained = 0);
    }

    /// <summary>Maps the page, its files and its connection, on the admin port only.</summary>
    public static void MapLivePage(this WebApplication app)
    {
        app.MapStaticAssets().AdminOnly();
        // The page has no forms: nothing can be posted to it.
        app.MapRazorComponents<App>()
            // The messages of each second are small and mostly stay on this machine: compression would cost more than it saves.
            // AdminGuard decides which pages may frame it.
            .AddInteractiveServerRenderMode(connection => (connection.DisableWebSocketCompression, connection.ContentSecurityFrameAncestorsPolicy) = (true, null))
            .DisableAntiforgery()
            .AdminOnly();
    }

    private static void AdminOnly<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder =>
        endpoints.WithMetadata(Admin.AdminOnly.Instance).DisableHttpMetrics();
}
