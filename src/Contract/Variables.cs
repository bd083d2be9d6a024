namespace ClusterAspire.Contract;

/// <summary>The environment variables that configure a replica and the load balancer, the same for every way to start them.</summary>
public static class Variables
{
    /// <summary>The replica's name, such as <c>replica-0</c>.</summary>
    public const string ReplicaName = "Replica__Name";

    /// <summary>The core the replica is pinned to (the operating system's number).</summary>
    public const string ReplicaCore = "Replica__Core";

    /// <summary><c>true</c> when the replica must pin itself to its core, because the program that starts it does not.</summary>
    public const string ReplicaPin = "Replica__Pin";

    /// <summary>The file whose lock makes a replica the leader.</summary>
    public const string LeaderFile = "Replica__LeaderFile";

    /// <summary>The folder of the keys that replicas protect cookies and tokens with.</summary>
    public const string KeyDirectory = "Replica__KeyDirectory";

    /// <summary>How much work may wait in the replica's compute lane.</summary>
    public const string LaneQueueLimit = "ComputeLane__QueueLimit";

    /// <summary>How long a process serves on while <c>/health</c> already answers 503, in seconds.</summary>
    public const string DrainDelay = "Drain__Delay";

    /// <summary>How long requests in flight may then take to finish, in seconds.</summary>
    public const string DrainTimeout = "Drain__Timeout";

    /// <summary>The process id that the process must not outlive.</summary>
    public const string SupervisorPid = "Supervisor__Pid";

    /// <summary><c>true</c> when the process must not outlive its parent.</summary>
    public const string SupervisorParent = "Supervisor__Parent";

    /// <summary><c>true</c> when the process waits, started, until it is told to serve.</summary>
    public const string SupervisorStandby = "Supervisor__Standby";

    /// <summary><c>true</c> when metrics and traces are written to the console.</summary>
    public const string TelemetryConsole = "Telemetry__Console";

    /// <summary>Where the load balancer's clients connect.</summary>
    public const string LoadBalancerUrl = "LoadBalancer__Url";

    /// <summary>Where the live page, the metrics and the replica API listen.</summary>
    public const string LoadBalancerAdminUrl = "LoadBalancer__AdminUrl";

    /// <summary>What the names of the variables begin with that name the descriptors of sockets that the load balancer listens by.</summary>
    public const string LoadBalancerSockets = "LoadBalancer__Sockets__";

    /// <summary><c>true</c> when a process of its own holds the load balancer's sockets, and starts it again when it was killed.</summary>
    public const string HoldSockets = "LoadBalancer__HoldSockets";

    /// <summary>What tells a load balancer from another at the same sockets.</summary>
    public const string LoadBalancerInstance = "LoadBalancer__Instance";

    /// <summary>Where the cluster takes commands, for the load balancer to pass on.</summary>
    public const string LoadBalancerControl = "LoadBalancer__Control";

    /// <summary>The token that clients of the admin port must send.</summary>
    public const string LoadBalancerAdminToken = "LoadBalancer__AdminToken";

    /// <summary>How many compute requests may wait at the load balancer.</summary>
    public const string ComputeQueueLimit = "LoadBalancer__ComputeQueueLimit";

    /// <summary>The file that the load balancer reads its destinations from, again whenever it changes.</summary>
    public const string DestinationsFile = "LoadBalancer__DestinationsFile";

    /// <summary>How the load balancer finds its destinations: <c>static</c>, <c>dns</c>, <c>kubernetes</c> or <c>auto</c>.</summary>
    public const string Discovery = "LoadBalancer__Discovery";

    /// <summary>The name of the Kubernetes Service that the replicas are behind; other variables refer to it.</summary>
    public const string KubernetesService = "K8S_SERVICE";

    /// <summary>How many processors .NET counts.</summary>
    public const string ProcessorCount = "DOTNET_PROCESSOR_COUNT";

    /// <summary>How often a thread of .NET's thread pool looks for work before it sleeps; for services whose project does not set it.</summary>
    public const string ThreadPoolSpinLimit = "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit";

    /// <summary>The <see cref="ThreadPoolSpinLimit"/> of a process with one core: while a thread looks for work, none can come.</summary>
    public const string NoThreadPoolSpin = "0";

    /// <summary>OpenTelemetry's <c>service.name</c>.</summary>
    public const string ServiceName = "OTEL_SERVICE_NAME";

    /// <summary>OpenTelemetry's resource attributes, the replica's name as <c>service.instance.id</c> among them.</summary>
    public const string ResourceAttributes = "OTEL_RESOURCE_ATTRIBUTES";

    /// <summary><c>true</c> when ASP.NET Core takes a request's client, scheme and host from its <c>X-Forwarded-*</c>, which the balancer has set.</summary>
    public const string ForwardedHeaders = "ASPNETCORE_FORWARDEDHEADERS_ENABLED";

    /// <summary>What the names of the variables begin with that say where else clients connect.</summary>
    public const string LoadBalancerListen = "LoadBalancer__Listen__";

    /// <summary>The ports that ASP.NET Core listens at, on all addresses.</summary>
    public const string HttpPorts = "ASPNETCORE_HTTP_PORTS";

    /// <summary>The YARP cluster that the replicas are destinations of.</summary>
    public const string Cluster = "service";

    /// <summary>What the names of the variables begin with that send a client's requests to the same replica.</summary>
    public const string Affinity = $"ReverseProxy__Clusters__{Cluster}__SessionAffinity__";

    /// <summary>What the names of all destinations' variables begin with.</summary>
    public const string Destinations = $"ReverseProxy__Clusters__{Cluster}__Destinations__";

    /// <summary>The address of one of the load balancer's destinations.</summary>
    /// <param name="destination">The destination's name: the replica's.</param>
    public static string DestinationAddress(string destination) => $"{Destinations}{destination}__Address";
}
