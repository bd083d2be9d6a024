using System.Diagnostics;

namespace ClusterAspire.Bench;

/// <summary>The product's load balancer before given replicas.</summary>
/// <param name="name">Its name.</param>
/// <param name="replicas">Where the replicas are.</param>
/// <param name="telemetry">Where metrics, traces and logs are sent (OTLP over HTTP), or null for nowhere.</param>
/// <param name="certificate">The certificate for HTTPS, or null for none.</param>
internal sealed class LoadBalancerPeer(string name, IReadOnlyList<Uri> replicas, Uri? telemetry = null, ServerCertificate? certificate = null) : IPeer
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public string? Missing => null;

    /// <inheritdoc/>
    public async Task<RunningPeer> StartAsync(BenchFolders folders, CancellationToken cancellationToken)
    {
        var (url, admin) = (Port.FreeUrl(), Port.FreeUrl());
        var environment = new Dictionary<string, string?>
        {
            ["LoadBalancer__Url"] = url.AbsoluteUri,
            ["LoadBalancer__AdminUrl"] = admin.AbsoluteUri,
            ["Supervisor__Pid"] = $"{Environment.ProcessId}",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = telemetry?.AbsoluteUri,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        };
        var secure = certificate is null ? null : Port.FreeUrl("https");
        if (certificate is not null)
        {
            environment["LoadBalancer__Listen__0"] = secure!.GetLeftPart(UriPartial.Authority);
            environment["Kestrel__Certificates__Default__Path"] = certificate.Certificate;
            environment["Kestrel__Certificates__Default__KeyPath"] = certificate.Key;
        }

        for (var i = 0; i < replicas.Count; i++)
        {
            environment[$"ReverseProxy__Clusters__service__Destinations__replica-{i}__Address"] = replicas[i].AbsoluteUri;
        }

        var command = Tool.Wrap(ProgramPath.LoadBalancer, [])
            .WithWorkingDirectory(Path.GetDirectoryName(ProgramPath.LoadBalancer)!)
            .WithEnvironmentVariables(environment);
        var started = Stopwatch.GetTimestamp();
        var process = ChildProcess.Start(command, folders.Logs, name);
        return await new RunningPeer(url, process) { Admin = admin, Secure = secure }.ServesAsync(started, process, cancellationToken);
    }
}
