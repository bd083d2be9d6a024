using ClusterAspire.LoadBalancer.Admin;
using ClusterAspire.LoadBalancer.Live.Components;

namespace ClusterAspire.LoadBalancer.Live;

/// <summary>The live page on the admin port.</summary>
internal static class LiveExtensions
{
    /// <summary>Adds the page and what it shows.</summary>
    public static void AddLivePage(this WebApplicationBuilder builder)
    {
        // The page's files are in the packages' folders until published; without this only Development finds them there.
        builder.WebHost.UseStaticWebAssets();
        builder.Services.AddSingleton<Experiment>();
        builder.Services.AddSingleton<LiveFeed>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<LiveFeed>());
        // A page that lost its connection holds nothing that a reload would not bring back: drawing for it ends at once.
        builder.Services.AddRazorComponents().AddInteractiveServerComponents(circuits => circuits.DisconnectedCircuitMaxRetained = 0);
    }

    /// <summary>Maps the page, its files and its connection, on the admin port only.</summary>
    public static void MapLivePage(this WebApplication app)
    {
        app.MapStaticAssets().AdminOnly();
        // The page has no forms: nothing can be posted to it.
        app.MapRazorComponents<App>()
            // What is sent each second is small, and mostly to this machine: packing it would cost more than it saves.
            // Who may frame it is AdminGuard's to say.
            .AddInteractiveServerRenderMode(connection => (connection.DisableWebSocketCompression, connection.ContentSecurityFrameAncestorsPolicy) = (true, null))
            .DisableAntiforgery()
            .AdminOnly();
    }

    private static void AdminOnly<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder =>
        endpoints.WithMetadata(Admin.AdminOnly.Instance).DisableHttpMetrics();
}
