using System.Diagnostics;

namespace ClusterAspire.Bench;

/// <summary>nginx before given replicas: a worker for each core, least connections, no access log.</summary>
/// <param name="replicas">Where the replicas are.</param>
/// <param name="keepAlive">Whether it keeps connections to replicas, which it must be told to do.</param>
/// <param name="certificate">The certificate for HTTPS, or null for none.</param>
internal sealed class NginxPeer(IReadOnlyList<Uri> replicas, bool keepAlive = true, ServerCertificate? certificate = null) : IPeer
{
    private const string Program = "nginx";

    /// <inheritdoc/>
    public string Name => keepAlive ? Program : "nginx, a connection per request";

    /// <inheritdoc/>
    public string? Missing => Tool.Find(Program) is null ? "nginx is not installed (apt install nginx)" : null;

    /// <inheritdoc/>
    public async Task<RunningPeer> StartAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        var url = Port.FreeUrl();
        var secure = certificate is null ? null : Port.FreeUrl("https");
        var folder = Path.Combine(folders.Work, keepAlive ? Program : Program + "-close");
        Directory.CreateDirectory(folder);
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, Configuration(url, secure, folder), cancellationToken);

        var started = Stopwatch.GetTimestamp();
        var process = ChildProcess.Start(Tool.Wrap(Program, ["-p", folder, "-e", "stderr", "-c", configuration]), folders.Logs, Name);
        return await new RunningPeer(url, process) { Secure = secure }.ServesAsync(started, process, cancellationToken);
    }

    private string Configuration(Uri url, Uri? secure, string folder) => $$"""
        daemon off;
        worker_processes {{Cores.Count}};
        worker_rlimit_nofile 20000;
        error_log stderr warn;
        pid {{folder}}/nginx.pid;
        events {
            worker_connections 16384;
        }
        http {
            access_log off;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            keepalive_requests 1000000000;
            upstream replicas {
                least_conn;
        {{string.Join('\n', replicas.Select(replica => $"        server {replica.Authority};"))}}
                {{(keepAlive ? "keepalive 256; keepalive_requests 1000000000;" : "")}}
            }
            server {
                listen {{url.Authority}} backlog=4096;
                {{(secure is null ? "" : $"listen {secure.Authority} ssl backlog=4096; ssl_certificate {certificate!.Certificate}; ssl_certificate_key {certificate.Key};")}}
                location / {
                    proxy_pass http://replicas;
                    {{(keepAlive ? "proxy_http_version 1.1; proxy_set_header Connection '';" : "")}}
                    proxy_set_header Host $host;
                    proxy_set_header X-Forwarded-For $remote_addr;
                    proxy_set_header X-Forwarded-Proto $scheme;
                }
            }
        }
        """;
}
