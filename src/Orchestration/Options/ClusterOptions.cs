using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ClusterAspire.Contract;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Orchestration.Options;

/// <summary>
/// The options of a cluster, bound from the configuration section <c>Cluster</c>. Each is also a switch of the command line,
/// in kebab case: <see cref="AdminPort"/> is <c>--admin-port</c>.
/// </summary>
public sealed partial class ClusterOptions
{
    /// <summary>The configuration section these options are bound from.</summary>
    public const string Section = "Cluster";

    private const int MostReplicas = 1024;

    // Sections below Cluster that have options types of their own.
    private static readonly string[] SubSections = ["Build", "Kubernetes"];

    // The least that Docker accepts, in bytes.
    private const double LeastMemory = 6 << 20;

    /// <summary>The service's name: OpenTelemetry's <c>service.name</c>, the containers' label.</summary>
    public string Name { get; set; } = "service";

    /// <summary>How many replicas, or <c>auto</c> for one per core this process may use.</summary>
    public string Replicas { get; set; } = "auto";

    /// <summary>The public TCP port of the load balancer.</summary>
    public int Port { get; set; } = 8080;

    /// <summary>The TCP port of the live page, the metrics and the replica API.</summary>
    public int AdminPort { get; set; } = 8081;

    /// <summary>
    /// More addresses where clients connect, in Kestrel's notation (<c>http://*:80</c>, <c>https://*:443</c>, <c>http://unix:/run/shop.sock</c>);
    /// <c>systemd</c> stands for the sockets that a socket unit hands over.
    /// </summary>
    public IList<string> Listen { get; } = [];

    /// <summary>The first replica's TCP port, the others follow; 0 picks free ones from 20000 on.</summary>
    public int ReplicaPort { get; set; }

    /// <summary>What replicas run in.</summary>
    public RuntimeKind Runtime { get; set; } = RuntimeKind.Auto;

    /// <summary>Which container engine runs the replicas.</summary>
    public EngineKind Engine { get; set; } = EngineKind.Auto;

    /// <summary>The image of the replicas, or null for the image that the Dockerfile builds.</summary>
    public string? Image { get; set; }

    /// <summary>The most memory each container may use, in the engine's notation (<c>256m</c>), or null for no limit.</summary>
    public string? Memory { get; set; }

    /// <summary>Whether to only remove the containers that a crashed run left behind.</summary>
    public bool Clean { get; set; }

    /// <summary>Whether each replica is pinned to its core.</summary>
    public bool Pin { get; set; } = true;

    /// <summary>Whether a second process of each replica and of the load balancer is started and waits to take over when the first one dies.</summary>
    public bool Standby { get; set; }

    /// <summary>Whether the service's project is compiled by Native AOT, whose executable starts sooner than a .dll.</summary>
    public bool Aot { get; set; }

    /// <summary>The built service (a .dll or an executable), or null for the one in this repository.</summary>
    public string? Service { get; set; }

    /// <summary>The service's command-line arguments.</summary>
    public IList<string> Args { get; } = [];

    /// <summary>The service's environment variables, over those of this process.</summary>
    public IDictionary<string, string> Environment { get; } = new Dictionary<string, string>();

    /// <summary>The load balancer's own settings, such as <c>LoadBalancer:RetryLimit</c>, under those of this process' environment.</summary>
    public IDictionary<string, string> Settings { get; } = new Dictionary<string, string>();

    /// <summary>Whether a client's requests go to the same replica while that serves.</summary>
    public AffinityKind Affinity { get; set; } = AffinityKind.None;

    /// <summary>How many compute requests may wait at the load balancer for a free core, or null for what its own configuration says (256).</summary>
    public int? QueueLimit { get; set; }

    /// <summary>How much work may wait in a replica's compute lane: the bound that holds when several load balancers do not know of each other. Null for what the service's own configuration says (256).</summary>
    public int? LaneQueueLimit { get; set; }

    /// <summary>What the terminal shows of telemetry.</summary>
    public TelemetryKind Telemetry { get; set; } = TelemetryKind.None;

    /// <summary>How long requests in flight may take to finish when the cluster stops, in seconds.</summary>
    public double DrainTimeout { get; set; } = 10;

    /// <summary>How long a replica may take from its start to its first answer, in seconds: then the others serve without it, and it is restarted.</summary>
    public double StartTimeout { get; set; } = 60;

    /// <summary>How long a replica may leave <c>/alive</c> unanswered before it is restarted, in seconds; 0 for as long as it likes, as under a debugger.</summary>
    public double LivenessTimeout { get; set; } = 30;

    /// <summary>How many replicas start at a time, or null for one on each core: the next follow when these are ready.</summary>
    public int? StartWave { get; set; }

    /// <summary>How much memory a replica may use before another takes its place, such as <c>512m</c>, or null for as much as it likes. Processes only: a container has <see cref="Memory"/>.</summary>
    public string? RestartMemory { get; set; }

    /// <summary>After how long another takes a replica's place, in seconds, give or take a tenth; 0 for never.</summary>
    public double RestartAge { get; set; }

    /// <summary>After how many requests another takes a replica's place, give or take a tenth; 0 for never.</summary>
    public long RestartRequests { get; set; }

    /// <summary>How the runner writes to its output.</summary>
    public LogFormat Log { get; set; } = LogFormat.Text;

    /// <summary>Reads the options.</summary>
    /// <param name="configuration">Where the section <c>Cluster</c> is looked up.</param>
    /// <exception cref="ClusterException">There is no option of that name, or the value is of the wrong kind.</exception>
    public static ClusterOptions From(IConfiguration configuration)
    {
        var options = new ClusterOptions();
        foreach (var setting in configuration.GetSection(Section).GetChildren().Where(setting => !SubSections.Contains(setting.Key, StringComparer.OrdinalIgnoreCase)))
        {
            var property = Property(setting.Key) ?? throw new ClusterException(
                $"{Section}:{setting.Key} is not an option: the options are {string.Join(", ", Properties.Select(p => p.Name))}.");
            switch (property.GetValue(options))
            {
                case IList<string> list:
                    Add(setting, list);
                    break;
                case IDictionary<string, string> values:
                    Add(setting, values);
                    break;
                default:
                    property.SetValue(options, Read(setting, property));
                    break;
            }
        }

        return options;
    }

    /// <summary>The options that are given and mean something to the runner alone.</summary>
    public IEnumerable<string> RunnerOnly()
    {
        (bool Given, string Name)[] options =
        [
            (Aot, nameof(Aot)),
            (StartWave is not null, nameof(StartWave)),
            (RestartMemory is not null, nameof(RestartMemory)),
            (RestartAge > 0, nameof(RestartAge)),
            (RestartRequests > 0, nameof(RestartRequests)),
            (Log is not LogFormat.Text, nameof(Log)),
        ];
        return options.Where(option => option.Given).Select(option => option.Name);
    }

    /// <summary>How many replicas are meant.</summary>
    /// <param name="auto">The number that <c>auto</c> stands for.</param>
    internal int ReplicaCount(int auto) =>
        Replicas.Equals("auto", StringComparison.OrdinalIgnoreCase) ? auto
        : int.TryParse(Replicas, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= MostReplicas ? count
        : throw new ClusterException($"{Switch(nameof(Replicas))} must be auto or a number from 1 to {MostReplicas}, not '{Replicas}'.");

    /// <summary>Checks that every value is within its bounds.</summary>
    /// <exception cref="ClusterException">A value is out of its bounds.</exception>
    public void Validate()
    {
        Check(NamePattern().IsMatch(Name), nameof(Name), "must be at most 40 lower-case letters, digits and dashes and start with a letter", Name);
        Check(Port is >= 1 and <= 65535, nameof(Port), "must be from 1 to 65535", Port);
        Check(AdminPort is >= 1 and <= 65535, nameof(AdminPort), "must be from 1 to 65535", AdminPort);
        Check(AdminPort != Port, nameof(AdminPort), $"must be another port than {Switch(nameof(Port))}", AdminPort);
        Check(ReplicaPort is >= 0 and <= 65535, nameof(ReplicaPort), "must be from 1 to 65535, or 0 to pick free ports", ReplicaPort);
        foreach (var address in Listen)
        {
            Check(address.Equals("systemd", StringComparison.OrdinalIgnoreCase) || ListenAddress.TryParse(address, out _), nameof(Listen), "must be an address such as http://*:80, https://*:443 or http://unix:/run/shop.sock, or systemd", address);
        }

        Check(QueueLimit is null or (>= 0 and <= 1_000_000), nameof(QueueLimit), "must be from 0 to 1000000", QueueLimit ?? 0);
        Check(LaneQueueLimit is null or (>= 0 and <= 1_000_000), nameof(LaneQueueLimit), "must be from 0 to 1000000", LaneQueueLimit ?? 0);
        Check(Image is not "", nameof(Image), "must be an image's name", Image ?? "");
        Check(Memory is null || Bytes(Memory) >= LeastMemory, nameof(Memory), "must be a number of bytes from 6m on, with k, m or g behind it, such as 256m", Memory ?? "");
        if (Standby && Runtime is RuntimeKind.Container)
        {
            throw new ClusterException($"{Switch(nameof(Standby))} keeps processes waiting, not containers: leave it out, or choose --runtime process.");
        }

        if (Aot && Runtime is RuntimeKind.Container)
        {
            throw new ClusterException($"{Switch(nameof(Aot))} compiles what runs as processes, and the Dockerfile compiles what runs in containers: leave it out, or choose --runtime process.");
        }

        if (RestartMemory is not null && Runtime is RuntimeKind.Container)
        {
            throw new ClusterException($"{Switch(nameof(RestartMemory))} looks at processes, not containers: leave it out and limit each container by --memory, or choose --runtime process.");
        }

        Check(StartWave is null or (>= 1 and <= MostReplicas), nameof(StartWave), $"must be from 1 to {MostReplicas}", StartWave ?? 0);
        Check(RestartMemory is null || Bytes(RestartMemory) >= LeastMemory, nameof(RestartMemory), "must be a number of bytes from 6m on, with k, m or g behind it, such as 512m", RestartMemory ?? "");
        Check(RestartAge is 0 or (>= 60 and <= 31_536_000), nameof(RestartAge), "must be from 60 to 31536000 seconds, or 0 for never", RestartAge);
        Check(RestartRequests is 0 or >= 100, nameof(RestartRequests), "must be 100 or more, or 0 for never", RestartRequests);
        Check(DrainTimeout is >= 0 and <= 3600, nameof(DrainTimeout), "must be from 0 to 3600 seconds", DrainTimeout);
        Check(StartTimeout is >= 1 and <= 3600, nameof(StartTimeout), "must be from 1 to 3600 seconds", StartTimeout);
        Check(LivenessTimeout is 0 or (>= 1 and <= 3600), nameof(LivenessTimeout), "must be from 1 to 3600 seconds, or 0 for no limit", LivenessTimeout);
    }

    /// <summary>An option as the user knows it, such as <c>--admin-port (Cluster:AdminPort)</c>.</summary>
    public static string Switch(string name) =>
        $"--{(name is nameof(Pin) ? "no-pin" : Capital().Replace(name, "-$0").ToLowerInvariant())} ({Section}:{name})";

    private static PropertyInfo[] Properties => typeof(ClusterOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance);

    private static PropertyInfo? Property(string key) =>
        Array.Find(Properties, property => property.Name.Equals(key, StringComparison.OrdinalIgnoreCase));

    // Either one key for each element, or one value with all of them, like ASPNETCORE_URLS.
    private static void Add(IConfigurationSection setting, IList<string> list)
    {
        var elements = setting.Value is { } all
            ? all.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            : setting.GetChildren().Select(element => element.Value ?? throw new ClusterException($"{element.Path} must be a text."));
        foreach (var element in elements)
        {
            list.Add(element);
        }
    }

    private static void Add(IConfigurationSection setting, IDictionary<string, string> values)
    {
        if (setting.Value is { Length: > 0 } value)
        {
            throw new ClusterException($"{setting.Path} must be names with a value each, not '{value}'.");
        }

        foreach (var (name, text) in setting.AsEnumerable(makePathsRelative: true).Where(entry => entry.Value is not null))
        {
            values[name] = text!;
        }
    }

    private static object? Read(IConfigurationSection setting, PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (setting.GetChildren().Any())
        {
            throw new ClusterException($"{Switch(property.Name)} must be one value.");
        }

        try
        {
            var value = setting.Get(type);
            if (!type.IsEnum || Enum.IsDefined(type, value!))
            {
                return value;
            }
        }
        catch (InvalidOperationException)
        {
            // The check below reports it.
        }

        var wanted =
            type.IsEnum ? string.Join(" or ", Enum.GetNames(type)).ToLowerInvariant()
            : type == typeof(bool) ? "true or false"
            : type == typeof(int) ? "a whole number"
            : "a number";
        throw new ClusterException($"{Switch(property.Name)} must be {wanted}, not '{setting.Value}'.");
    }

    private static void Check(bool valid, string name, string wanted, IFormattable value) =>
        Check(valid, name, wanted, value.ToString(null, CultureInfo.InvariantCulture));

    private static void Check(bool valid, string name, string wanted, string value)
    {
        if (!valid)
        {
            throw new ClusterException($"{Switch(name)} {wanted}, not '{value}'.");
        }
    }

    /// <summary>How many bytes a size such as <c>512m</c> is; 0 when it is none.</summary>
    internal static double Bytes(string size) =>
        MemoryPattern().Match(size) is { Success: true, Groups: var parts }
            ? double.Parse(parts["number"].Value, CultureInfo.InvariantCulture) * Math.Pow(1024, "bkmg".IndexOf(parts["unit"].Value, StringComparison.Ordinal))
            : 0;

    [GeneratedRegex("^(?<number>[1-9][0-9]{0,14})(?<unit>[bkmg]?)$")]
    private static partial Regex MemoryPattern();

    [GeneratedRegex("(?!^)[A-Z]")]
    private static partial Regex Capital();

    // Valid for Kubernetes and OpenTelemetry, and short enough for a suffix.
    [GeneratedRegex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
    private static partial Regex NamePattern();
}
