namespace ClusterAspire.Bench;

/// <inheritdoc cref="BenchServer.Kestrel"/>
internal static class KestrelServer
{
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync("fast\n"));
        return app;
    }
}
