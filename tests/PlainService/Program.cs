using System.Security.Cryptography;

if (Environment.GetEnvironmentVariable("FAILS") is { Length: > 0 } failure
    && Environment.GetEnvironmentVariable("FAILS_AS") is var which && (which is null || which == Environment.GetEnvironmentVariable("Replica__Name")))
{
    Console.Error.WriteLine(failure);
    return 3;
}

var builder = WebApplication.CreateBuilder(args);
builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
var app = builder.Build();
app.UseWebSockets();

var hog = new List<byte[]>();

// Who answers, and how it was started.
app.MapGet("/", () =>
{
    Console.WriteLine("asked");
    return $"{Environment.ProcessId}";
});
app.MapGet("/args", () => args);
app.MapGet("/environment/{name}", (string name) => Environment.GetEnvironmentVariable(name) ?? "");
app.MapGet("/folder", () => AppContext.BaseDirectory);

// Who asks.
app.MapGet("/client", (HttpContext context) => $"{context.Connection.RemoteIpAddress} {context.Request.Scheme} {context.Request.Host}");

// Requests that take a while, or a body.
app.MapGet("/wait", async (int ms) =>
{
    await Task.Delay(ms);
    return "waited";
});
app.MapPost("/hash", async (Stream body) => Convert.ToHexStringLower(await SHA256.HashDataAsync(body)));
app.MapPost("/hog", (int megabytes) =>
{
    hog.Add(new byte[megabytes << 20]);
    hog[^1].AsSpan().Fill(1);
});
app.Map("/echo", async (HttpContext context) =>
{
    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    var buffer = new byte[1024];
    while (true)
    {
        var received = await socket.ReceiveAsync(buffer, default);
        if (received.CloseStatus is { } status)
        {
            await socket.CloseAsync(status, null, default);
            return;
        }

        await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
    }
});

await app.RunAsync();
return 0;
