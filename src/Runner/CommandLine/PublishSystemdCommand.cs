using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using ClusterAspire.Orchestration;
using ClusterAspire.Orchestration.Options;
using Microsoft.Extensions.Configuration;

namespace ClusterAspire.Runner.CommandLine;

/// <summary><c>publish systemd</c>: writes the unit that runs a clusteraspire.json as a service of this machine.</summary>
internal sealed class PublishSystemdCommand : Command
{
    // Ports below this one need a permission, which the unit gives.
    private const int FirstPortForAll = 1024;

    private readonly Option<string> _output = new("--output")
    {
        HelpName = "DIR",
        Description = "Where to write the unit. [.]",
        DefaultValueFactory = _ => ".",
    };

    private readonly Option<string?> _user = new("--user") { HelpName = "NAME", Description = "Whom the service runs as. [a user of its own, made at each start]" };

    /// <param name="services">All services of clusteraspire.json.</param>
    /// <param name="configure">Reads the switches, and what clusteraspire.json says of all its services.</param>
    /// <param name="file">The option that names that.</param>
    public PublishSystemdCommand(Func<ParseResult, IReadOnlyList<ConfiguredService>> services, Func<ParseResult, IConfiguration> configure, Option<string> file)
        : base("systemd", $"Writes a unit of systemd for {ClusterFile.Name}.")
    {
        Add(_output);
        Add(_user);
        SetAction(parsed => Publish(
            () => services(parsed),
            () => configure(parsed)[$"{ClusterOptions.Section}:{nameof(ClusterOptions.Name)}"],
            Path.GetFullPath(parsed.GetValue(file) ?? ClusterFile.Name),
            parsed.GetValue(_output)!,
            parsed.GetValue(_user)));
    }

    private static int Publish(Func<IReadOnlyList<ConfiguredService>> services, Func<string?> name, string file, string output, string? user)
    {
        if (!File.Exists(file))
        {
            throw new ClusterException($"{file} does not exist: clusteraspire init writes one.");
        }

        var all = services();
        var options = all.Select(service => ClusterOptions.From(service.Read())).ToList();
        options.ForEach(each => each.Validate());
        foreach (var (service, _) in all.Zip(options).Where(each => each.Second is { Service: null, Image: null }))
        {
            throw new ClusterException($"{file} names no \"service\" to run{(service.Name is null ? "" : $" for {service.Name}")}.");
        }

        var unit = name() ?? throw new ClusterException($"{file} names no \"name\", which the unit is called by.");
        new ClusterOptions { Name = unit }.Validate();
        var path = Path.Combine(output, $"{unit}.service");
        try
        {
            Directory.CreateDirectory(output);
            File.WriteAllText(path, Unit(unit, options, file, user));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException($"{path} cannot be written: {e.Message}");
        }

        Console.WriteLine(path);
        Console.WriteLine($"sudo cp {path} /etc/systemd/system/ && sudo systemctl daemon-reload && sudo systemctl enable --now {unit}");
        return 0;
    }

    private static string Unit(string name, List<ClusterOptions> services, string file, string? user)
    {
        // The balancer and the replicas drain one after the other, each for that long, and may be killed then.
        var stop = (int)Math.Ceiling((2 * services.Max(service => service.DrainTimeout)) + 30);
        var start = (int)Math.Ceiling((2 * services.Max(service => service.StartTimeout)) + 30);
        var needsRights = services.Exists(service => service.Port < FirstPortForAll || service.Listen.Any(address => PortOf(address) < FirstPortForAll));
        return $"""
            # Written by clusteraspire publish systemd.
            [Unit]
            Description={name}, one replica on each core
            Wants=network-online.target
            After=network-online.target

            [Service]
            Type=notify
            NotifyAccess=main
            ExecStart={Command} run --config {Quote(file)}
            ExecReload={Command} reload --config {Quote(file)}
            WorkingDirectory={Escape(Path.GetDirectoryName(file)!)}
            Environment={Quote($"DOTNET_ROOT={DotnetRoot}")} DOTNET_CLI_HOME=/var/lib/clusteraspire/{name}
            {(user is null ? "DynamicUser=yes" : $"User={user}")}
            Restart=on-failure
            RestartSec=1
            TimeoutStartSec={start}
            TimeoutStopSec={stop}
            WatchdogSec=30
            # The runner drains its processes; what is left then is killed.
            KillMode=mixed
            LimitNOFILE=65536
            TasksMax=infinity
            RuntimeDirectory=clusteraspire/{name}
            RuntimeDirectoryMode=0700
            StateDirectory=clusteraspire/{name}
            StateDirectoryMode=0700

            # No more than it needs. What the service itself writes to, name by ReadWritePaths=.
            NoNewPrivileges=yes
            CapabilityBoundingSet={(needsRights ? "CAP_NET_BIND_SERVICE" : "")}
            AmbientCapabilities={(needsRights ? "CAP_NET_BIND_SERVICE" : "")}
            PrivateTmp=yes
            PrivateDevices=yes
            ProtectSystem=strict
            ProtectHome=read-only
            ProtectKernelTunables=yes
            ProtectKernelModules=yes
            ProtectControlGroups=yes
            ProtectClock=yes
            RestrictSUIDSGID=yes
            RestrictRealtime=yes
            RestrictNamespaces=yes
            RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
            LockPersonality=yes
            SystemCallArchitectures=native

            [Install]
            WantedBy=multi-user.target

            """;
    }

    private static int PortOf(string address) =>
        address.LastIndexOf(':') is > 6 and var colon && int.TryParse(address[(colon + 1)..].TrimEnd('/'), CultureInfo.InvariantCulture, out var port) ? port
        : address.Contains("unix:", StringComparison.OrdinalIgnoreCase) || !address.Contains("://", StringComparison.Ordinal) ? FirstPortForAll
        : 80;

    // The tool, or the runner's program by dotnet.
    private static string Command
    {
        get
        {
            var process = Environment.ProcessPath!;
            return Path.GetFileNameWithoutExtension(process) is "dotnet"
                ? $"{Quote(process)} {Quote(typeof(PublishSystemdCommand).Assembly.Location)}"
                : Quote(process);
        }
    }

    private static string DotnetRoot => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));

    // systemd.syntax(7) and systemd.service(5): % and $ mean something to it.
    private static string Quote(string text) =>
        $"\"{Escape(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal)}\"";

    private static string Escape(string text) => text.Replace("%", "%%", StringComparison.Ordinal);
}
