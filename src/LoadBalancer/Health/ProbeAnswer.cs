using System.Buffers;
using System.Text.Json;
using ClusterAspire.Contract;

namespace ClusterAspire.LoadBalancer.Health;

/// <summary>What a replica answered to a probe.</summary>
/// <param name="Serves">Whether it serves.</param>
/// <param name="Report">What it says of itself, as far as it was understood.</param>
/// <param name="Problem">Why it does not serve, or what was not understood; null when there is nothing to say.</param>
internal sealed record ProbeAnswer(bool Serves, ReplicaHealth Report, string? Problem)
{
    private const int Longest = 64 * 1024;

    /// <summary>
    /// Reads an answer. The replica serves unless the status is 5xx. If the body is not a <see cref="ReplicaHealth"/>, nothing more is
    /// known of the replica.
    /// </summary>
    /// <param name="response">The answer.</param>
    /// <param name="limit">Cancelled when the body has taken too long.</param>
    /// <exception cref="HttpRequestException">The connection broke.</exception>
    public static async Task<ProbeAnswer> ReadAsync(HttpResponseMessage response, CancellationToken limit)
    {
        var status = (int)response.StatusCode;
        var (report, problem) = await ReportAsync(response, limit);
        return (status, problem) switch
        {
            _ when !Probes.Serves(status) => new(false, report, report.Status is null ? $"it answered {status}" : $"it answered {status} {report.Status}"),
            // A service without health checks serves, but reports nothing about itself.
            (404, _) => new(true, new(), null),
            (>= 300, _) => new(true, new(), $"it answered {status}"),
            _ => new(true, report, problem),
        };
    }

    private static async Task<(ReplicaHealth Report, string? Problem)> ReportAsync(HttpResponseMessage response, CancellationToken limit)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Longest + 1);
        try
        {
            if (response.Content.Headers.ContentType?.MediaType is not { } type || !type.EndsWith("json", StringComparison.OrdinalIgnoreCase))
            {
                return (new(), "its answer is no JSON");
            }

            await using var body = await response.Content.ReadAsStreamAsync(limit);
            var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, limit);
            return length > Longest
                ? (new(), $"its answer is longer than {Longest} bytes")
                : (JsonSerializer.Deserialize(buffer.AsSpan(0, length), ContractJson.Default.ReplicaHealth) ?? new(), null);
        }
        catch (JsonException)
        {
            return (new(), "its answer is not the JSON of a replica");
        }
        catch (OperationCanceledException)
        {
            return (new(), "the rest of its answer did not come in time");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
