using System.Diagnostics;

namespace ClusterAspire.Bench;

/// <summary>HAProxy before given replicas: a thread for each core, reused upstream connections, least connections, no log.</summary>
/// <param name="replicas">Where the replicas are.</param>
/// <param name="certificate">The certificate for HTTPS, or null for none.</param>
internal sealed class HaProxyPeer(IReadOnlyList<Uri> replicas, ServerCertificate? certificate = null) : IPeer
{
    private const string Program = "haproxy";

    /// <inheritdoc/>
    public string Name => "HAProxy";

    /// <inheritdoc/>
    public string? Missing => Tool.Find(Program) is null ? "HAProxy is not installed (apt install haproxy)" : null;

    /// <inheritdoc/>
    public async Task<RunningPeer> StartAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        var url = Port.FreeUrl();
        var secure = certificate is null ? null : Port.FreeUrl("https");
        var folder = Path.Combine(folders.Work, Program);
        Directory.CreateDirectory(folder);
        var configuration = Path.Combine(folder, "haproxy.cfg");
        await File.WriteAllTextAsync(configuration, Configuration(url, secure), cancellationToken);

        var started = Stopwatch.GetTimestamp();
        var process = ChildProcess.Start(Tool.Wrap(Program, ["-db", "-f", configuration]), folders.Logs, Name);
        return await new RunningPeer(url, process) { Secure = secure }.ServesAsync(started, process, cancellationToken);
    }

    private string Configuration(Uri url, Uri? secure) => $"""
        global
            nbthread {Cores.Count}
            maxconn 4096
        defaults
            mode http
            option http-keep-alive
            option forwardfor
            http-reuse always
            balance leastconn
            timeout connect 2s
            timeout client 60s
            timeout server 600s
        frontend public
            bind {url.Authority}
            {(secure is null ? "" : $"bind {secure.Authority} ssl crt {certificate!.Both} alpn http/1.1")}
            default_backend replicas
        backend replicas
        {string.Join('\n', replicas.Select((replica, i) => $"    server replica-{i} {replica.Authority}"))}

        """;
}
