using System.Diagnostics;
using ClusterAspire.Service;
using ClusterAspire.ServiceDefaults;

var builder = WebApplication.CreateSlimBuilder(args);
builder.AddServiceDefaults();

var app = builder.Build();
app.UseExceptionHandler();
app.MapDefaultEndpoints();

app.MapGet("/fast", () => "fast\n");

app.MapGet("/slow", (Iterations? iterations, CancellationToken aborted) =>
    {
        var started = Stopwatch.GetTimestamp();
        iterations!.Spin(aborted);
        return TypedResults.Text($"{iterations.Count} iterations in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.000} s\n");
    })
    .AddEndpointFilter(Iterations.RejectOutOfBounds)
    .RunsOnComputeLane();

return await app.RunOrExplainAsync();
