using ClusterAspire.Replica;

namespace ClusterAspire.Bench;

/// <inheritdoc cref="BenchServer.Sized"/>
internal static class SizedServer
{
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        builder.AddReplica();
        var app = builder.Build();
        app.MapReplica();
        app.MapGet("/fast", () => TypedResults.Text("fast\n"));
        foreach (var length in HopScenario.Lengths)
        {
            var body = new byte[length];
            app.MapGet(HopScenario.Path(length), () => TypedResults.Bytes(body));
        }

        return app;
    }
}
