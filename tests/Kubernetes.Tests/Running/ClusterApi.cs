using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using k8s;
using k8s.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>
/// The part of a cluster's API that pods ask: the EndpointSlices of one Service, listed and watched over TLS, for the service
/// account whose files it writes.
/// </summary>
internal sealed class ClusterApi : IAsyncDisposable
{
    private const string Path = "/apis/discovery.k8s.io/v1/namespaces/clusteraspire/endpointslices";

    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private readonly List<(int Version, string Type, V1EndpointSlice Slice)> _history = [];
    private readonly HashSet<Channel<bool>> _watches = [];
    private V1EndpointSlice? _slice;
    private int _version = 100;
    private int _oldest;
    private CancellationTokenSource _break = new();
    private string _token = "";

    public ClusterApi(IPEndPoint endpoint)
    {
        Endpoint = endpoint;
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest authorityRequest = new("CN=cluster", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        using var authority = authorityRequest.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=api", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(endpoint.Address);
        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(authority, authority.NotBefore, authority.NotAfter, [1]);
        using var withKey = issued.CopyWithPrivateKey(key);
        var certificate = X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);

        File.WriteAllText(System.IO.Path.Combine(Account, "ca.crt"), authority.ExportCertificatePem());
        File.WriteAllText(System.IO.Path.Combine(Account, "namespace"), "clusteraspire");
        RotateToken();

        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(endpoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(certificate);
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        _app.StartAsync().GetAwaiter().GetResult();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>The folder of the service account, as the kubelet mounts it.</summary>
    public string Account { get; } = Directory.CreateTempSubdirectory("clusteraspire-account-").FullName;

    /// <summary>How long it takes for each answer and event.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Who may list and watch: <see langword="false"/> is a Role that is missing.</summary>
    public bool Permits { get; set; } = true;

    /// <summary>How many lists there were.</summary>
    public int Lists { get; private set; }

    /// <summary>How many watches have begun.</summary>
    public int Watches { get; private set; }

    /// <summary>While true, it breaks every connection.</summary>
    public bool IsGone
    {
        get;
        set
        {
            field = value;
            if (value)
            {
                Break();
            }
        }
    }

    /// <summary>Says which pods there are: ready, or told to end.</summary>
    public void Publish(IEnumerable<Pod> ready, IEnumerable<Pod>? terminating = null)
    {
        lock (_lock)
        {
            var type = _slice is null ? "ADDED" : "MODIFIED";
            _slice = new()
            {
                ApiVersion = "discovery.k8s.io/v1",
                Kind = "EndpointSlice",
                Metadata = new()
                {
                    Name = "service-x7k2p",
                    NamespaceProperty = "clusteraspire",
                    ResourceVersion = $"{++_version}",
                    Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = "service" },
                },
                AddressType = "IPv4",
                Ports = [new() { Name = "http", Port = 8080, Protocol = "TCP" }],
                Endpoints = [.. ready.Select(pod => At(pod, terminating: false)), .. (terminating ?? []).Select(pod => At(pod, terminating: true))],
            };
            _history.Add((_version, type, _slice));
            foreach (var watch in _watches)
            {
                watch.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>Forgets what has changed: who watched has to list again (410).</summary>
    public void Compact()
    {
        lock (_lock)
        {
            // Something else has changed since.
            _oldest = ++_version;
            foreach (var watch in _watches)
            {
                watch.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>Breaks the connections there are.</summary>
    public void Break() => Interlocked.Exchange(ref _break, new()).Cancel();

    /// <summary>Replaces the token, as the kubelet does before it expires; the one of before is refused.</summary>
    public void RotateToken()
    {
        _token = Guid.NewGuid().ToString();
        File.WriteAllText(System.IO.Path.Combine(Account, "token"), _token);
    }

    public async ValueTask DisposeAsync()
    {
        await _break.CancelAsync();
        await _app.DisposeAsync();
        Directory.Delete(Account, recursive: true);
    }

    private static V1Endpoint At(Pod pod, bool terminating) => new()
    {
        Addresses = [$"{pod.Address}"],
        Conditions = new() { Ready = !terminating, Serving = true, Terminating = terminating },
        TargetRef = new() { Kind = "Pod", Name = pod.Name },
    };

    private async Task AnswerAsync(HttpContext context)
    {
        var query = context.Request.Query;
        if (IsGone)
        {
            context.Abort();
            return;
        }

        var status = context.Request.Headers.Authorization != $"Bearer {_token}" ? HttpStatusCode.Unauthorized
            : !Permits || context.Request.Path != Path || query["labelSelector"] != "kubernetes.io/service-name=service" ? HttpStatusCode.Forbidden
            : HttpStatusCode.OK;
        context.Response.StatusCode = (int)status;
        if (status is not HttpStatusCode.OK)
        {
            return;
        }

        try
        {
            await Task.Delay(Delay, context.RequestAborted);
            await (query["watch"] == "1" ? WatchAsync(context, int.Parse(query["resourceVersion"]!, System.Globalization.CultureInfo.InvariantCulture)) : ListAsync(context));
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private Task ListAsync(HttpContext context)
    {
        lock (_lock)
        {
            Lists++;
            return context.Response.WriteAsync(KubernetesJson.Serialize(new V1EndpointSliceList
            {
                ApiVersion = "discovery.k8s.io/v1",
                Kind = "EndpointSliceList",
                Metadata = new() { ResourceVersion = $"{_version}" },
                Items = _slice is null ? [] : [_slice],
            }));
        }
    }

    private async Task WatchAsync(HttpContext context, int version)
    {
        var wake = Channel.CreateUnbounded<bool>();
        CancellationTokenSource end;
        lock (_lock)
        {
            Watches++;
            _watches.Add(wake);
            wake.Writer.TryWrite(true);
            end = CancellationTokenSource.CreateLinkedTokenSource(_break.Token, context.RequestAborted);
        }

        try
        {
            // A watch begins its answer at once, with or without an event.
            await context.Response.StartAsync(end.Token);
            await foreach (var _ in wake.Reader.ReadAllAsync(end.Token))
            {
                await Task.Delay(Delay, end.Token);
                foreach (var line in Lines(ref version))
                {
                    await context.Response.WriteAsync($"{line}\n", end.Token);
                }

                await context.Response.Body.FlushAsync(end.Token);
                if (version < 0)
                {
                    return;
                }
            }
        }
        finally
        {
            lock (_lock)
            {
                _watches.Remove(wake);
            }

            end.Dispose();
        }
    }

    private List<string> Lines(ref int version)
    {
        lock (_lock)
        {
            if (version < _oldest)
            {
                version = -1;
                return [Line("ERROR", new V1Status { ApiVersion = "v1", Kind = "Status", Status = "Failure", Code = 410, Reason = "Expired", Message = "too old resource version" })];
            }

            var from = version;
            version = _version;
            return
            [
                .. _history.Where(item => item.Version > from).Select(item => Line(item.Type, item.Slice)),
                Line("BOOKMARK", new V1EndpointSlice { ApiVersion = "discovery.k8s.io/v1", Kind = "EndpointSlice", Metadata = new() { ResourceVersion = $"{_version}" }, AddressType = "", Endpoints = [] }),
            ];
        }
    }

    private static string Line(string type, object value) => $$"""{"type":"{{type}}","object":{{KubernetesJson.Serialize(value)}}}""";
}
