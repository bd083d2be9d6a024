using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Discovery;

namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>The options of the load balancer, bound from the configuration section <c>LoadBalancer</c>.</summary>
public sealed class LoadBalancerOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "LoadBalancer";

    /// <summary>Where clients connect.</summary>
    public Uri Url { get; set; } = new("http://127.0.0.1:8080");

    /// <summary>
    /// Where clients connect besides, as Kestrel writes it: <c>http://*:80</c>, <c>https://*:443</c>, <c>http://unix:/run/shop.sock</c>,
    /// <c>http://fd:3</c> for a socket that this process was started with.
    /// </summary>
    public IList<string> Listen { get; } = [];

    /// <summary>
    /// Descriptors of listening sockets that this process was started with, the runner's: it listens by them at the addresses
    /// that they are bound to, and so may another balancer that takes its place.
    /// </summary>
    public IList<int> Sockets { get; } = [];

    /// <summary>
    /// Whether a process of its own listens, and starts the load balancer, again when it was killed or crashed: clients that
    /// connect meanwhile wait. Where the runner holds the sockets, and on Windows, it does nothing.
    /// </summary>
    public bool HoldSockets { get; set; }

    /// <summary>What tells this balancer from another at the same sockets, to whoever asks at the admin port's <c>/health/INSTANCE</c>: the runner's. Null for nothing.</summary>
    public string? Instance { get; set; }

    /// <summary>Where the cluster takes commands, which the live page and the admin port's API then offer: the runner's. Null for nowhere.</summary>
    public string? Control { get; set; }

    /// <summary>Proxies in front, addresses or networks (<c>10.0.0.0/8</c>): what their <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Host</c>, or else their <c>Forwarded</c>, say is taken for the client's. Anybody else's are not looked at.</summary>
    public IList<string> TrustedProxies { get; } = [];

    /// <summary>Whether requests by HTTP are sent to the HTTPS address.</summary>
    public bool HttpsRedirect { get; set; }

    /// <summary>For how many days browsers must use HTTPS only (<c>Strict-Transport-Security</c>); 0 does not send the header.</summary>
    public int HstsDays { get; set; }

    /// <summary><see cref="Listen"/>, read.</summary>
    internal IEnumerable<ListenAddress> ListenAddresses => Listen.Select(text => ListenAddress.TryParse(text, out var address) ? address : null).OfType<ListenAddress>();

    /// <summary>Where the live page, the metrics and the replica API listen. Loopback by default.</summary>
    public Uri AdminUrl { get; set; } = new("http://127.0.0.1:8081");

    /// <summary>How many compute requests may wait for a free core; the next one gets 503.</summary>
    public int ComputeQueueLimit { get; set; } = 256;

    /// <summary>How long a compute request may wait for a free core before it gets 503, in seconds.</summary>
    public double ComputeQueueTimeout { get; set; } = 30;

    /// <summary>How much of a request's body is received into memory before the request goes to a replica, in bytes.</summary>
    public int BodyMemory { get; set; } = 64 * 1024;

    /// <summary>What happens to a compute request's body that is longer than <c>BodyMemory</c>.</summary>
    public ComputeBodyKind ComputeBody { get; set; } = ComputeBodyKind.Spool;

    /// <summary>How long a compute request's body may be that goes to a temporary file, in bytes; a longer one gets 413.</summary>
    public long ComputeBodyLimit { get; set; } = 1L << 30;

    /// <summary>The share of recent requests that may be retried.</summary>
    public double RetryRatio { get; set; } = 0.2;

    /// <summary>How many retries per second are always allowed, however few requests there are.</summary>
    public int RetryMinPerSecond { get; set; } = 10;

    /// <summary>How many more tries a safe request gets after it has been sent to a replica that then failed it.</summary>
    public int RetryLimit { get; set; } = 1;

    /// <summary>
    /// How many requests a second are traced whose clients send no trace of their own, if telemetry is exported; 0 traces none of them.
    /// <c>OTEL_TRACES_SAMPLER</c> takes its place.
    /// </summary>
    public int TracesPerSecond { get; set; } = 100;

    /// <summary>Whether responses say in <c>X-Replica</c> which replica answered.</summary>
    public bool ReplicaHeader { get; set; } = true;

    /// <summary>How destinations are found.</summary>
    public DiscoveryKind Discovery { get; set; } = DiscoveryKind.Static;

    /// <summary>A JSON file of destinations, as appsettings.json has them, that is read again whenever it changes: the runner's. Null for none.</summary>
    public string? DestinationsFile { get; set; }

    /// <summary>How often host names are looked up again, in seconds.</summary>
    public double DiscoveryInterval { get; set; } = 1;

    /// <summary>Whether replicas get the <c>Host</c> that the client sent, so that the links they make lead back here; else their own address.</summary>
    public bool OriginalHost { get; set; } = true;

    /// <summary>Whether plain HTTP/1.1 requests are served at the edge, where the routes ask for nothing of YARP's. Else all go YARP's way.</summary>
    public bool Edge { get; set; } = true;

    /// <summary>Whether replicas that offer the link are reached by it: many connections over one socket. Else all are TCP's.</summary>
    public bool Link { get; set; } = true;

    /// <summary>The largest request body that is taken, in bytes; null takes any, and leaves it to the service to refuse.</summary>
    public long? MaxRequestBodySize { get; set; }

    /// <summary>After how long a client that reads nothing of its response is disconnected, in seconds.</summary>
    public double SendTimeout { get; set; } = 30;

    /// <summary>How long a client that has closed its side of the connection is still answered, in seconds; 0 ends its requests at once.</summary>
    public double HalfCloseTimeout { get; set; } = 5;

    /// <summary>Host names that the admin port accepts, besides those of loopback and the address of the connection.</summary>
    public IList<string> AdminHosts { get; } = [];

    /// <summary>What a client of the admin port must send (<c>Authorization: Bearer</c>). Null: nothing on loopback, else one that is made and logged at each start.</summary>
    public string? AdminToken { get; set; }
}
