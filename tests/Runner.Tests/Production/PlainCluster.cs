using System.Net;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>A cluster of an application that references nothing of ours, in a fresh folder of its own with its clusteraspire.json.</summary>
internal sealed class PlainCluster : IAsyncDisposable
{
    private RunnerProcess? _runner;

    public PlainCluster()
    {
        (Port, AdminPort) = Cluster.FreePorts();
        Client = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new($"http://127.0.0.1:{Port}"), Timeout = TimeSpan.FromMinutes(2) };
        Write(new { });
    }

    /// <summary>The built application.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "programs", "ClusterAspire.PlainService", "ClusterAspire.PlainService.dll");

    public string Folder { get; } = Directory.CreateTempSubdirectory("cluster aspire ").FullName;

    public int Port { get; }

    public int AdminPort { get; }

    public HttpClient Client { get; }

    public RunnerProcess Runner => _runner!;

    /// <summary>Where its socket is, and no other cluster's.</summary>
    public (string, string) RuntimeDirectory => ("XDG_RUNTIME_DIR", Folder);

    private string File => Path.Combine(Folder, "clusteraspire.json");

    /// <summary>Writes its clusteraspire.json.</summary>
    /// <param name="environment">The service's environment.</param>
    /// <param name="more">More options.</param>
    public void Write(object environment, object? more = null)
    {
        var options = new Dictionary<string, object>
        {
            ["service"] = Program,
            ["name"] = "plain",
            ["log"] = "text",
            ["replicas"] = 2,
            ["port"] = Port,
            ["adminPort"] = AdminPort,
            ["environment"] = environment,
        };
        foreach (var property in more?.GetType().GetProperties() ?? [])
        {
            options[property.Name] = property.GetValue(more)!;
        }

        System.IO.File.WriteAllText(File, System.Text.Json.JsonSerializer.Serialize(options));
    }

    /// <summary>Runs it, and waits until it serves.</summary>
    public async Task StartAsync(params string[] surroundings)
    {
        Requires.Linux();
        _runner = RunnerProcess.StartWithin(surroundings, ["run", "--config", File], RuntimeDirectory);
        await ServesAsync();
    }

    public Task<string> ServesAsync() => Runner.LineAsync(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal), "the cluster serves");

    /// <summary>Gives it a command.</summary>
    public Task<(int ExitCode, RunnerProcess Command)> TellAsync(params string[] command) => RunnerProcess.RunAsync(command, RuntimeDirectory);

    /// <summary>Gives it a command that is to succeed.</summary>
    public async Task<IReadOnlyCollection<string>> DoAsync(params string[] command)
    {
        var (exitCode, told) = await TellAsync(command);
        Assert.True(exitCode is 0, $"{string.Join(' ', command)}: {told}{Environment.NewLine}{_runner}");
        return told.Output;
    }

    /// <summary>The process ids of the replicas that answer.</summary>
    /// <param name="isNew">Whether each request is a new client's, without a cookie.</param>
    public async Task<IReadOnlyCollection<int>> PidsAsync(bool isNew = false)
    {
        var pids = new SortedSet<int>();
        for (var i = 0; i < 20; i++)
        {
            using var client = isNew ? new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Client.BaseAddress } : null;
            pids.Add(int.Parse(await GetAsync("/", client), System.Globalization.CultureInfo.InvariantCulture));
        }

        return pids;
    }

    public async Task<string> GetAsync(string path, HttpClient? client = null)
    {
        using var response = await (client ?? Client).GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_runner is not null)
        {
            await _runner.DisposeAsync();
        }

        Client.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
