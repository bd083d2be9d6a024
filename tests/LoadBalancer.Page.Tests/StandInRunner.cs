using System.Collections.Concurrent;
using System.IO.Pipes;
using System.Text;
using System.Text.Json;

namespace ClusterAspire.LoadBalancer.Page.Tests;

/// <summary>In the place of the runner: hears what it is asked, and says that it was done.</summary>
public sealed class StandInRunner : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _asked = new();
    private readonly Task _serving;

    public StandInRunner() => _serving = ServeAsync();

    /// <summary>Where it listens.</summary>
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"stand-in-{Guid.NewGuid():N}.sock");

    /// <summary>What it was asked to do: verb and argument.</summary>
    public IReadOnlyCollection<string> Asked => [.. _asked];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                await using var connection = new NamedPipeServerStream(Path, PipeDirection.InOut, 1, PipeTransmissionMode.Byte, PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);
                await connection.WaitForConnectionAsync(_stop.Token);
                using var reader = new StreamReader(connection, leaveOpen: true);
                var request = JsonElement.Parse(await reader.ReadLineAsync(_stop.Token) ?? "{}");
                var verb = request.GetProperty("verb").GetString();
                if (verb is not "figures")
                {
                    _asked.Enqueue($"{verb} {request.GetProperty("arguments")[0].GetString()}");
                }

                var figures = """{"reloads":{"completed":7,"failed":1},"restarts":[{"name":"replica-0","reason":"exit","count":3}],"crashLoops":["replica-1"]}""";
                var text = JsonSerializer.Serialize(verb is "figures" ? figures : "As you like.");
                await connection.WriteAsync(Encoding.UTF8.GetBytes($$"""
                    {"text":{{text}}}
                    {"exitCode":0}

                    """), _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // As told.
        }
    }
}
