using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace ClusterAspire.LoadBalancer.Discovery.Kubernetes;

/// <summary>Lists and watches the EndpointSlices of one Service in this pod's namespace.</summary>
/// <remarks>
/// The two requests of the API that are needed, by HttpClient. The official client is 12 MB in size and leaves to its user the part
/// that is difficult here: to continue after a broken connection.
/// </remarks>
internal sealed class EndpointSliceClient : IDisposable
{
    /// <summary>How long the API may take to answer; a watch begins its answer at once.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);

    // The API ends a watch after this time, or up to twice this time, so that not all clients reconnect at once (as in client-go's reflector).
    private static readonly TimeSpan WatchLength = TimeSpan.FromMinutes(5);

    // A dead connection is noticed after one and a half times this time.
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;
    private readonly string _path;

    /// <param name="service">The Service's name.</param>
    /// <exception cref="IOException">The service account cannot be read.</exception>
    public EndpointSliceClient(string service)
    {
        _path = $"/apis/discovery.k8s.io/v1/namespaces/{ServiceAccount.Namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D{service}";
        X509ChainPolicy trust = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(ServiceAccount.AuthoritiesFile);
        _http = new(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(2),
            KeepAlivePingDelay = PingInterval,
            KeepAlivePingTimeout = PingInterval / 2,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust },
            UseProxy = false,
            AllowAutoRedirect = false,
            // No trace: the span of a watch would last minutes.
            ActivityHeadersPropagator = null,
        })
        {
            BaseAddress = ServiceAccount.Server,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Lists the slices.</summary>
    /// <exception cref="HttpRequestException">The API refuses or cannot be reached.</exception>
    public async Task<EndpointSliceList> ListAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(_path, cancellationToken);
        return await InTimeAsync(
            limit => response.Content.ReadFromJsonAsync(KubernetesJson.Default.EndpointSliceList, limit), cancellationToken) ?? throw new JsonException();
    }

    /// <summary>Watches the slices: what changes after a version of the list, until the API ends the watch.</summary>
    /// <exception cref="HttpRequestException">The API refuses or cannot be reached; <see cref="HttpStatusCode.Gone"/>: the version is too old.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public async IAsyncEnumerable<WatchEvent> WatchAsync(string? version, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var length = WatchLength * (1 + Random.Shared.NextDouble());
        using var response = await SendAsync($"{_path}&watch=1&allowWatchBookmarks=true&timeoutSeconds={length.TotalSeconds:0}&resourceVersion={version}", cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(length + AnswerLimit);
        using StreamReader lines = new(await response.Content.ReadAsStreamAsync(limit.Token));
        while (await lines.ReadLineAsync(limit.Token) is { } line)
        {
            yield return JsonSerializer.Deserialize(line, KubernetesJson.Default.WatchEvent) ?? throw new JsonException();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(string path, CancellationToken cancellationToken)
    {
        // HTTP/2, because its pings detect a dead connection.
        using HttpRequestMessage request = new(HttpMethod.Get, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        request.Headers.Authorization = new("Bearer", ServiceAccount.Token);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        var response = await InTimeAsync(limit => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit), cancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new HttpRequestException($"it answers {(int)response.StatusCode} {response.ReasonPhrase}".TrimEnd(), null, response.StatusCode);
        }
    }

    private static async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> answer, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            return await answer(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"no answer within {AnswerLimit.TotalSeconds} s");
        }
    }
}
