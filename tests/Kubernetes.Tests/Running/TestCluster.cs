using System.Net;
using System.Net.Sockets;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>
/// The manifests' pods as processes: each has a loopback address of its own and all the same port, and the load balancers
/// resolve names by a DNS server of the test, which a mount namespace puts into their /etc/resolv.conf.
/// </summary>
internal sealed class TestCluster : IAsyncDisposable
{
    // 127.A.B.0/24 is this cluster's.
    private readonly byte[] _network = [127, (byte)Random.Shared.Next(16, 250), (byte)Random.Shared.Next(1, 250), 0];
    private readonly List<Pod> _pods = [];
    private readonly string _resolvConf = Path.GetTempFileName();

    // The services' own: in a pod nobody else sees the socket of a replica's link.
    private readonly DirectoryInfo _serviceTemp = Directory.CreateTempSubdirectory("pods-");
    private readonly List<IPAddress> _cutOff = [];
    private readonly string _mounts;
    private readonly int _port;
    private byte _addresses;

    /// <param name="discovery">How the load balancers find pods: <c>kubernetes</c> or <c>dns</c>.</param>
    public TestCluster(string discovery)
    {
        Requires.That(
            OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess,
            "The cluster's DNS needs port 53 and a mount namespace, and so Linux and root.");
        Manifests = Manifests.For(discovery);
        // An account is there if the pod asks for one.
        var account = Manifests.LoadBalancer.Container().VolumeMounts.SingleOrDefault(mount => mount.MountPath.Contains("serviceaccount", StringComparison.Ordinal))?.MountPath;
        _mounts = $"""
            mount --bind "$0" /etc/resolv.conf && account=$1 && shift && mount -t tmpfs tmpfs {_serviceTemp.FullName}
            {(account is null ? "" : $"mount -t tmpfs tmpfs /run && mkdir -p {account} && mount --bind \"$account\" {account}")}
            exec "$@"
            """;
        Dns = new(NextAddress());
        File.WriteAllText(_resolvConf, $"nameserver {new IPAddress(_network)}\nsearch clusteraspire.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5 timeout:1\n");

        using TcpListener free = new(NextAddress(), 0);
        free.Start();
        _port = ((IPEndPoint)free.LocalEndpoint).Port;
        Api = new(new(NextAddress(), _port));
    }

    public Manifests Manifests { get; }

    public ClusterDns Dns { get; }

    public ClusterApi Api { get; }

    public HttpClient Client { get; } = new();

    /// <summary>Where a load balancer's admin port is.</summary>
    public Uri Admin(Pod loadBalancer) => new($"http://{loadBalancer.Address}:{_port + 1}");

    /// <summary>Starts a replica and waits until it is ready; DNS does not know it yet.</summary>
    public Task<Pod> StartServiceAsync(string name) => StartAsync("/health", address => new(
        name,
        address,
        _port,
        ["dotnet", Repository.Output("Service")],
        Manifests.Service,
        new Dictionary<string, string?> { ["ASPNETCORE_HTTP_PORTS"] = null, ["ASPNETCORE_URLS"] = $"http://{address}:{_port}", ["TMPDIR"] = _serviceTemp.FullName }));

    /// <summary>Starts a load balancer and waits until it is ready, or what else it should be.</summary>
    /// <param name="name">The pod's name.</param>
    /// <param name="until">The path that is answered then.</param>
    /// <param name="everyAddress">The port it listens at on every address, as it does in a pod; null for its own address alone.</param>
    public Task<Pod> StartLoadBalancerAsync(string name, string until = "/health", int? everyAddress = null) => StartAsync(until, address => new(
        name,
        address,
        everyAddress ?? _port,
        ["unshare", "--mount", "sh", "-c", _mounts, _resolvConf, Api.Account, "dotnet", Repository.Output("LoadBalancer")],
        Manifests.LoadBalancer,
        new Dictionary<string, string?>
        {
            ["LoadBalancer__Url"] = everyAddress is { } port ? Manifests.LoadBalancer.Env("LoadBalancer__Url").Replace("8080", $"{port}", StringComparison.Ordinal) : $"http://{address}:{_port}",
            ["LoadBalancer__AdminUrl"] = $"http://{address}:{_port + 1}",
            ["ReverseProxy__Clusters__service__Destinations__pods__Address"] = $"http://service:{_port}",
            // Every pod has these.
            ["KUBERNETES_SERVICE_HOST"] = $"{Api.Endpoint.Address}",
            ["KUBERNETES_SERVICE_PORT"] = $"{Api.Endpoint.Port}",
        }));

    /// <summary>Says which pods there are, by DNS and by the API; DNS names only those that are ready.</summary>
    public void Publish(IEnumerable<Pod> ready, IEnumerable<Pod>? terminating = null)
    {
        Dns.Publish(ready);
        Api.Publish(ready, terminating);
    }

    /// <summary>The names of the replicas that answer through a load balancer, from as many requests as it takes to see all.</summary>
    public async Task<IReadOnlyCollection<string>> AnsweringAsync(Pod loadBalancer)
    {
        SortedSet<string> names = new(StringComparer.Ordinal);
        for (var i = 0; i < 20; i++)
        {
            using var response = await Client.GetAsync(new Uri(loadBalancer.Url, "/fast"));
            if (response.IsSuccessStatusCode)
            {
                names.Add(response.Headers.GetValues("X-Replica").Single());
            }
        }

        return names;
    }

    /// <summary>Waits until those replicas answer, and no others.</summary>
    public Task AnsweringAsync(Pod loadBalancer, params string[] expected)
    {
        var wanted = string.Join(", ", expected);
        return Eventually.BecomesAsync(async () => string.Join(", ", await AnsweringAsync(loadBalancer)), answering => answering == wanted, $"{wanted} answer");
    }

    /// <summary>Drops every packet to and from a pod, as when its node is cut off.</summary>
    public void CutOff(Pod pod)
    {
        Requires.That(Drop("--insert", pod.Address), "Packets cannot be dropped: iptables is missing or may not.");
        _cutOff.Add(pod.Address);
    }

    public async ValueTask DisposeAsync()
    {
        _cutOff.ForEach(address => Drop("--delete", address));
        foreach (var pod in _pods)
        {
            await pod.DisposeAsync();
        }

        Client.Dispose();
        Dns.Dispose();
        await Api.DisposeAsync();
        File.Delete(_resolvConf);
        _serviceTemp.Delete(recursive: true);
    }

    private async Task<Pod> StartAsync(string until, Func<IPAddress, Pod> start)
    {
        var pod = start(NextAddress());
        _pods.Add(pod);
        await Eventually.BecomesAsync(
            async () =>
            {
                try
                {
                    using var response = await Client.GetAsync(new Uri(pod.Url, until));
                    return (IsReady: response.IsSuccessStatusCode, Log: pod.Text);
                }
                catch (HttpRequestException)
                {
                    return (IsReady: false, Log: pod.Text);
                }
            },
            seen => seen.IsReady,
            $"{pod.Name} becomes ready");
        return pod;
    }

    private static bool Drop(string action, IPAddress address)
    {
        try
        {
            return Drop("--source") && Drop("--destination");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }

        bool Drop(string end) =>
            TestProcess.Run("iptables", "--wait", action, "INPUT", "--in-interface", "lo", end, $"{address}", "--jump", "DROP").ExitCode == 0;
    }

    private IPAddress NextAddress()
    {
        _network[3] = ++_addresses;
        return new(_network);
    }
}
