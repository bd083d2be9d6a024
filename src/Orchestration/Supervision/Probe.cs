using System.Net.Sockets;
using ClusterAspire.Contract;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Asks a process over HTTP whether it is ready or live. The load balancer judges by the same <see cref="Probes.Serves"/>.</summary>
public static class Probe
{
    // A replica on a busy core may answer late.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static readonly HttpClient Client = CreateClient();

    /// <summary>Asks once. Fails only by being cancelled.</summary>
    /// <param name="url">What to ask.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static async Task<ProbeResult> AskAsync(Uri url, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await Client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var status = (int)response.StatusCode;
            return new(Probes.Serves(status) ? ProbeOutcome.Serves : ProbeOutcome.Refuses, $"{status} {response.ReasonPhrase}".TrimEnd(), status);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(ProbeOutcome.Unanswered, $"no answer in {Limit.Describe()}");
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            var cause = e.GetBaseException();
            var outcome = IsOurs(cause) ? ProbeOutcome.Unknown
                : e is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } ? ProbeOutcome.Unanswered
                : ProbeOutcome.Closed;
            return new(outcome, cause.Message.TrimEnd('.'));
        }
    }

    private static bool IsOurs(Exception cause) =>
        cause is OutOfMemoryException
        || cause is SocketException
        {
            SocketErrorCode: SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.AddressNotAvailable
                or SocketError.ProcessLimit or SocketError.AddressFamilyNotSupported or SocketError.AccessDenied,
        };

    private static HttpClient CreateClient()
    {
        var client = LoopbackHttp.Create(Limit);
        // A connection that is kept alive would delay the replica's drain.
        client.DefaultRequestHeaders.ConnectionClose = true;
        return client;
    }
}
