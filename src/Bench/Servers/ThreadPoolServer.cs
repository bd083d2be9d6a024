using System.Runtime.CompilerServices;

namespace ClusterAspire.Bench;

/// <inheritdoc cref="BenchServer.ThreadPool"/>
internal static class ThreadPoolServer
{
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        var app = builder.Build();
        app.MapGet("/fast", () => "fast\n");
        app.MapGet("/slow", (long? iterations) => $"{Spin(iterations ?? 5_000_000_000)}\n");
        return app;
    }

    // The same loop as the service's: one dependent operation in each iteration.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long Spin(long iterations)
    {
        var mixed = 0L;
        for (var i = 0L; i < iterations; i++)
        {
            mixed ^= i;
        }

        return mixed;
    }
}
