using System.Diagnostics;
using ClusterAspire.Replica;
using ClusterAspire.Replica.Lane;
using ClusterAspire.Replica.Startup;
using ClusterAspire.Service;

var builder = WebApplication.CreateSlimBuilder(args);
builder.AddServiceDefaults();
builder.AddReplica();

var app = builder.Build();
app.UseExceptionHandler();
app.MapDefaultEndpoints();
app.MapReplica();

// With its length known the answer goes out in one piece; a mere string is sent chunked.
app.MapGet("/fast", () => TypedResults.Text("fast\n"));

app.MapGet("/slow", (Iterations? iterations, CancellationToken aborted) =>
    {
        var started = Stopwatch.GetTimestamp();
        iterations!.Spin(aborted);
        return TypedResults.Text($"{iterations.Count} iterations in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.000} s\n");
    })
    .AddEndpointFilter(Iterations.RejectOutOfBounds)
    .RunsOnComputeLane();

return await app.RunOrExplainAsync();
