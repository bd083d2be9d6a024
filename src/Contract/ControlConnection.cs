using System.IO.Pipes;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace ClusterAspire.Contract;

/// <summary>A connection to a running cluster of the same user, to ask it for one thing.</summary>
public sealed class ControlConnection : IAsyncDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(2);

    private readonly NamedPipeClientStream _stream;

    private ControlConnection(NamedPipeClientStream stream) => _stream = stream;

    /// <summary>Connects.</summary>
    /// <param name="path">The Unix domain socket's path; on Windows the pipe's name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The connection; null when nobody of this user listens there.</returns>
    public static async Task<ControlConnection?> TryConnectAsync(string path, CancellationToken cancellationToken = default)
    {
        var stream = new NamedPipeClientStream(".", path, PipeDirection.InOut, PipeOptions.Asynchronous | PipeOptions.CurrentUserOnly);
        try
        {
            await stream.ConnectAsync(ConnectLimit, cancellationToken).ConfigureAwait(false);
            return new(stream);
        }
        catch (Exception e) when (e is TimeoutException or IOException or UnauthorizedAccessException)
        {
            // Another user's, or it has ended just now.
            await stream.DisposeAsync().ConfigureAwait(false);
            return null;
        }
    }

    /// <summary>Asks, once.</summary>
    /// <param name="request">For what.</param>
    /// <param name="cancellationToken">Leaves: what is under way goes on.</param>
    /// <returns>What it replies. Ends without an exit code when the cluster does.</returns>
    public async IAsyncEnumerable<ControlReply> AskAsync(ControlRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var reader = new StreamReader(_stream, leaveOpen: true);
        if (!await TrySendAsync(request, cancellationToken).ConfigureAwait(false))
        {
            yield break;
        }

        while (await TryReadAsync(reader, cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (JsonSerializer.Deserialize(line, ContractJson.Default.ControlReply) is { } reply)
            {
                yield return reply;
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async Task<bool> TrySendAsync(ControlRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await _stream.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(request, ContractJson.Default.ControlRequest), (byte)'\n'], cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task<string?> TryReadAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It has ended.
            return null;
        }
    }
}
