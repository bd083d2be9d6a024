using System.Net.WebSockets;
using ClusterAspire.Replica;
using ClusterAspire.Replica.Lane;
using ClusterAspire.Replica.Startup;

// A service whose requests have effects that a test can count: every execution of a payment is a file in a folder that all
// replicas share.
var builder = WebApplication.CreateSlimBuilder(args);
builder.AddReplica();
var ledger = builder.Configuration["Ledger"];

var app = builder.Build();
app.UseExceptionHandler();
app.UseWebSockets();
app.MapReplica();

app.MapGet("/read/{id}", (string id) => TypedResults.Text(id));

app.MapGet("/compute/{id}", (string id) =>
    {
        Thread.SpinWait(200_000);
        return TypedResults.Text(id);
    })
    .RunsOnComputeLane();

app.MapPost("/digest", async (Stream body) => TypedResults.Text(Convert.ToHexString(await System.Security.Cryptography.SHA256.HashDataAsync(body))))
    .RunsOnComputeLane();

app.MapPost("/pay/{id}", (string id) =>
{
    File.Create(Path.Combine(ledger!, $"{id}.{Guid.NewGuid():n}")).Dispose();
    return TypedResults.Text(id);
});

app.MapPost("/upload", async (Stream body) =>
{
    var (buffer, sum) = (new byte[16 * 1024], 0L);
    for (int read; (read = await body.ReadAsync(buffer)) > 0; sum += read)
    {
    }

    return TypedResults.Text($"{sum}");
});

app.Map("/socket", async (HttpContext context) =>
{
    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    var buffer = new byte[4096];
    while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
    {
        await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
    }

    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
});

return await app.RunOrExplainAsync();
