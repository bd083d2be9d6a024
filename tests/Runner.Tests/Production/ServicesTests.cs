using System.Text.Json;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>Several services in one clusteraspire.json.</summary>
public sealed class ServicesTests
{
    [Fact]
    public async Task One_runner_runs_them_and_each_is_told_by_its_name()
    {
        await using var shop = new PlainCluster();
        await using var mail = new PlainCluster();
        var file = Path.Combine(shop.Folder, "clusteraspire.json");
        Write(shopEnvironment: new { });
        await shop.StartAsync();
        await Eventually.IsTrueAsync(() => shop.Runner.Output.Count(line => line.Contains("Ctrl+C drains", StringComparison.Ordinal)) is 2, "both serve");

        // What stands beside them holds for each, unless it says otherwise.
        Assert.Equal(("good day", "good evening"), (await shop.GetAsync("/environment/GREETING"), await mail.GetAsync("/environment/GREETING")));
        Assert.Contains(shop.Runner.Output, line => line.StartsWith("mail/replica-1 | ", StringComparison.Ordinal) || line.StartsWith("mail: replica-1 ", StringComparison.Ordinal));

        var all = (await DoAsync("status", "--json")).Select(line => JsonElement.Parse(line)).ToList();
        Assert.Equal(["shop", "mail"], all.Select(status => status.GetProperty("name").GetString()!));
        Assert.All(all, status => Assert.Equal(shop.Runner.Pid, status.GetProperty("pid").GetInt32()));
        var cores = all.ConvertAll(status => status.GetProperty("workloads").EnumerateArray().Select(workload => workload.GetProperty("core")).Where(core => core.ValueKind is JsonValueKind.Number).Select(core => core.GetInt32()).ToList());
        Assert.Equal(Environment.ProcessorCount > 1, cores[0][0] != cores[1][0]);
        var table = string.Join('\n', await DoAsync("status"));
        Assert.Contains("shop at ", table, StringComparison.Ordinal);
        Assert.Contains("mail at ", table, StringComparison.Ordinal);

        var (exitCode, scale) = await TellAsync("scale", "+1");
        Assert.Equal((1, "Several services are in clusteraspire.json, shop, mail: say which by --name."), (exitCode, Assert.Single(scale.Errors)));
        Assert.Equal(["2 replicas serve."], await DoAsync("scale", "+1", "--name", "shop"));

        // One that does not start is said by name, and is no matter of the other.
        var (ofShop, ofMail) = (await shop.PidsAsync(), await mail.PidsAsync());
        Write(new { FAILS = "the database is not there" });
        (exitCode, var reload) = await TellAsync("reload");
        Assert.Equal(1, exitCode);
        Assert.Equal(["shop: Reloading stopped, those before go on: The new replica-0 exited with code 3; its last words were: the database is not there"], reload.Errors);
        Assert.Equal(["mail: 2 replicas were replaced."], reload.Output);
        Assert.Equal(ofShop, await shop.PidsAsync());
        Assert.Empty(ofMail.Intersect(await mail.PidsAsync()));

        Assert.Contains(await DoAsync("events"), line => line.StartsWith("mail: ", StringComparison.Ordinal) && line.EndsWith(" 2 replicas were replaced.", StringComparison.Ordinal));
        Assert.All(await DoAsync("logs", "replica-1", "--name", "mail"), line => Assert.Contains(" replica-1 | ", line, StringComparison.Ordinal));

        // One alone, while the other goes on.
        await DoAsync("stop", "--name", "mail");
        Assert.DoesNotContain(await Task.WhenAll(ofMail.Select(pid => Task.FromResult(TestProcess.IsRunning(pid)))), isRunning => isRunning);
        Assert.Equal(ofShop, await shop.PidsAsync());
        Assert.Equal(["shop: Draining."], (await TellAsync("stop")).Command.Output);
        Assert.Equal(0, await shop.Runner.ExitAsync());
        Assert.Empty(Directory.GetFiles(Path.Combine(shop.Folder, "clusteraspire")));

        void Write(object shopEnvironment) => File.WriteAllText(file, JsonSerializer.Serialize(new
        {
            service = PlainCluster.Program,
            log = "text",
            environment = new { GREETING = "good day" },
            services = new
            {
                shop = new { port = shop.Port, adminPort = shop.AdminPort, replicas = 1, environment = shopEnvironment },
                mail = new { port = mail.Port, adminPort = mail.AdminPort, replicas = 2, environment = new { GREETING = "good evening" } },
            },
        }));

        Task<(int ExitCode, RunnerProcess Command)> TellAsync(params string[] command) => shop.TellAsync([.. command, "--config", file]);

        Task<IReadOnlyCollection<string>> DoAsync(params string[] command) => shop.DoAsync([.. command, "--config", file]);
    }

    [Theory]
    [InlineData("""{ "services": { "shop": {}, "mail": { "service": "Mail.dll", "adminPort": 8082 } } }""", "shop and mail both listen at port 8080: give each service a port, an adminPort and addresses of its own.")]
    [InlineData("""{ "services": { "shop": { "service": "Shop.dll", "adminPort": 9000 }, "mail": { "service": "Mail.dll", "port": 9000 } } }""", "shop and mail both listen at port 9000: ")]
    [InlineData("""{ "services": { "shop": {}, "Shop": {} } }""", "clusteraspire.json names two services shop: give each a name of its own.")]
    [InlineData("""{ "services": { "shop": {}, "mail": { "service": "Mail.dll", "prot": 9000 } } }""", "mail: Cluster:prot is not an option: ")]
    [InlineData("""{ "services": { "shop": {}, "Mail": {} } }""", "Mail: --name (Cluster:Name) must be at most 40 lower-case letters, ")]
    [InlineData("""{ "services": { "shop": { "name": "store" } } }""", "services:shop:name is not an option: a service is called shop by its key.")]
    [InlineData("""{ "services": [ "Shop.dll" ] }""", "clusteraspire.json must be names with the options of a service each, such as ")]
    [InlineData("""{ "services": { "shop": {}, "mail": { "port": 9000, "adminPort": 9001 } } }""", "mail: Name what to run: ")]
    [InlineData("""{ "services": { "shop": {}, "mail": { "port": 9000, "adminPort": 9001 } } }""", "There is no service store in ", "--name", "store")]
    [InlineData("""{ "services": { "shop": {}, "mail": { "port": 9000, "adminPort": 9001 } } }""", "Several services are in clusteraspire.json, shop, mail: say which by --name.", "Shop.dll")]
    public async Task A_mistake_in_the_file(string json, string sentence, params string[] arguments)
    {
        Requires.Linux();
        var folder = Directory.CreateTempSubdirectory("clusteraspire-services-").FullName;
        try
        {
            var file = Path.Combine(folder, "clusteraspire.json");
            await File.WriteAllTextAsync(file, json.Replace("{}", """{ "service": "Shop.dll" }""", StringComparison.Ordinal), TestContext.Current.CancellationToken);

            var (exitCode, run) = await RunnerProcess.RunAsync(["run", "--config", file, .. arguments]);

            Assert.Equal(1, exitCode);
            Assert.Contains(sentence, Assert.Single(run.Errors), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task One_that_cannot_run_is_said_by_name_and_the_others_end()
    {
        await using var shop = new PlainCluster();
        await using var mail = new PlainCluster();
        var file = Path.Combine(shop.Folder, "clusteraspire.json");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new
        {
            service = PlainCluster.Program,
            log = "text",
            replicas = 1,
            services = new
            {
                shop = new { port = shop.Port, adminPort = shop.AdminPort },
                mail = new { port = mail.Port, adminPort = mail.AdminPort, loadBalancer = new { retryLimit = -1 } },
            },
        }), TestContext.Current.CancellationToken);
        Requires.Linux();

        var (exitCode, run) = await RunnerProcess.RunAsync(["run", "--config", file], shop.RuntimeDirectory);

        Assert.Equal(1, exitCode);
        Assert.StartsWith("mail: The load balancer cannot run; the last it said was: ", Assert.Single(run.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unit_of_systemd_runs_all_of_them_under_the_name_beside_them()
    {
        Requires.Linux();
        var folder = Directory.CreateTempSubdirectory("clusteraspire-unit-").FullName;
        var file = Path.Combine(folder, "clusteraspire.json");
        await File.WriteAllTextAsync(
            file,
            """{ "name": "store", "drainTimeout": 5, "services": { "shop": { "service": "Shop.dll", "listen": ["http://*:80"] }, "mail": { "service": "Mail.dll", "port": 9000, "adminPort": 9001, "drainTimeout": 60 } } }""",
            TestContext.Current.CancellationToken);

        var (exitCode, publish) = await RunnerProcess.RunAsync(["publish", "systemd", "--config", file, "--output", folder]);

        Assert.True(exitCode is 0, $"{publish}");
        var unit = await File.ReadAllTextAsync(Path.Combine(folder, "store.service"), TestContext.Current.CancellationToken);
        Assert.Contains($" reload --config \"{file}\"\n", unit, StringComparison.Ordinal);
        Assert.Contains("TimeoutStopSec=150\n", unit, StringComparison.Ordinal);
        Assert.Contains("AmbientCapabilities=CAP_NET_BIND_SERVICE\n", unit, StringComparison.Ordinal);

        var (failed, manifests) = await RunnerProcess.RunAsync(["publish", "k8s", "--config", file, "--output", folder]);
        Assert.Equal((1, "Several services are in clusteraspire.json, shop, mail: say which by --name."), (failed, Assert.Single(manifests.Errors)));
        Directory.Delete(folder, recursive: true);
    }
}
