using System.Text.RegularExpressions;

namespace ClusterAspire.Template.Tests.Documentation;

/// <summary>Every shell command of the documentation: a test runs it, or this says why none does.</summary>
public sealed partial class CommandTests
{
    /// <summary>Commands, and the test that runs each: with other folders and ports, where the command names some.</summary>
    private static readonly Dictionary<string, string> RunBy = new()
    {
        ["dotnet run --project AppHost"] = "DashboardTests.The_service_is_shown_with_its_replicas_and_each_with_its_latency",
        ["dotnet run --project AppHost -- --runtime container"] = "ContainerClusterTests.A_container_is_confined_to_its_core_and_told_what_a_process_is",
        ["dotnet test"] = "TemplateTests.AnInstanceWithTheSourcesBuildsAndPassesItsTests",
        ["dotnet new install ."] = "TemplateTests.AnInstanceWithTheSourcesBuildsAndPassesItsTests",
        ["dotnet new clusteraspire -n Contoso"] = "TemplateTests.AnInstanceWithTheSourcesBuildsAndPassesItsTests",
        ["cd Contoso"] = "TemplateTests.AnInstanceWithTheSourcesBuildsAndPassesItsTests",
        ["dotnet pack --output feed"] = "PackageTests.APackageSaysWhatItIs",
        ["dotnet new install feed/ClusterAspire.Templates.1.0.0.nupkg"] = "TemplateTests.AnInstanceWithThePackagesAnswersThroughItsBalancer",
        ["dotnet add Shop.AppHost package ClusterAspire.Hosting"] = "ConsumerTests.AnExistingSolutionTakesItInThreeSteps",
        ["dotnet add Shop.LoadBalancer package ClusterAspire.LoadBalancer"] = "ConsumerTests.AnExistingSolutionTakesItInThreeSteps",
        ["dotnet add Shop.AppHost reference Shop.LoadBalancer"] = "ConsumerTests.AnExistingSolutionTakesItInThreeSteps",
        ["dotnet pack src/Runner --output feed"] = "ToolTests.The_installed_tool_runs_a_published_application_and_a_project",
        ["dotnet tool install --global clusteraspire --add-source feed"] = "ToolTests.The_installed_tool_runs_a_published_application_and_a_project",
        ["clusteraspire run path/to/Your.dll"] = "ToolTests.The_installed_tool_runs_a_published_application_and_a_project",
        ["clusteraspire run . --aot"] = "NativeAotTests.The_sample_serves_comes_back_when_it_is_killed_and_is_reloaded",
        ["clusteraspire run . -- --greeting hello"] = "ToolTests.The_installed_tool_runs_a_published_application_and_a_project",
        ["clusteraspire reload"] = "ControlTests.A_release_is_switched_by_its_link",
        ["ln -sfn releases/42 current"] = "ControlTests.A_release_is_switched_by_its_link",
        ["curl -X POST http://localhost:8081/api/cluster/scale/+1"] = "ControlTests.Status_logs_and_events_tell_the_user_alone_and_stop_drains",
        ["clusteraspire publish systemd --output ."] = "ServiceTests.The_unit_is_one_that_systemd_understands",
        ["docker compose up --build"] = "ComposeTests.Compose_brings_up_the_balancer_and_a_replica_on_each_core",
    };

    /// <summary>Commands that no test runs, by how they begin, and why.</summary>
    private static readonly Dictionary<string, string> NotRun = new()
    {
        ["dotnet build ClusterAspire.sln"] = "builds these tests",
        ["dotnet run --project tests/"] = "runs tests from within a test",
        ["dotnet test --solution tests/Fast.slnf"] = "runs tests from within a test",
        ["for i in "] = "load for people to look at; EndpointTests and ClusterTests send the same requests",
        ["dotnet new web "] = "the template of .NET itself; the test writes the project",
        ["dotnet publish Shop "] = "the SDK's own command; ToolTests publishes an application",
        ["dotnet run -c Release --project src/Bench"] = "takes minutes and the whole machine; Bench.Tests runs its parts",
        ["apt install "] = "changes the machine",
        ["sudo "] = "needs root and systemd; ServiceTests has systemd check the unit",
        ["docker build "] = "ContainerClusterTests builds the same stages through the product",
        ["Cluster__Build__Args__PUBLISH=managed "] = "another image of the same size; ServiceImageTests checks the argument",
        ["kind "] = "needs a cluster",
        ["minikube "] = "needs a cluster",
        ["helm "] = "needs a cluster; HelmTests renders and checks the chart",
        ["dotnet run --project src/Runner -- publish k8s --format helm "] = "HelmTests runs the built Runner with these switches",
        ["kubectl "] = "needs a cluster; ManifestTests renders and checks what is applied",
        ["'for i in "] = "runs in a cluster",
    };

    [Fact]
    public void EveryCommandIsRunByATestOrSaysWhyNot()
    {
        var unknown = Commands().Where(command => !RunBy.ContainsKey(command.Line) && !NotRun.Keys.Any(command.Line.StartsWith)).ToList();
        Assert.True(unknown.Count is 0, $"Say in {nameof(CommandTests)} which test runs this, or why none does: {string.Join("; ", unknown)}");
    }

    [Fact]
    public void NoListHasACommandThatTheDocumentationHasNot()
    {
        var commands = Commands().Select(command => command.Line).ToList();
        Assert.All(RunBy.Keys, command => Assert.Contains(command, commands));
        Assert.All(NotRun.Keys, start => Assert.Contains(commands, command => command.StartsWith(start, StringComparison.Ordinal)));
    }

    [Fact]
    public void EveryTestThatIsNamedExists()
    {
        var tests = Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .ToLookup(file => Path.GetFileNameWithoutExtension(file), File.ReadAllText);
        Assert.All(RunBy.Values.Distinct(), test => Assert.Contains(tests[test.Split('.')[0]], code => code.Contains($" {test.Split('.')[1]}(", StringComparison.Ordinal)));
    }

    // Of the blocks marked sh, a line each; comments and what joins commands are left out.
    private static IEnumerable<(string Page, string Line)> Commands() =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(((string[])["README.md", "CONTRIBUTING.md", "SECURITY.md", "template/README.md", "src/Bench/README.md"]).Select(page => Path.Combine(Repository.Root, page)))
            .SelectMany(page => Block().Matches(File.ReadAllText(page))
                .SelectMany(block => block.Groups["lines"].Value.Split('\n'))
                .SelectMany(line => line.TrimStart().StartsWith("for ", StringComparison.Ordinal) ? [line] : line.Split("&&"))
                .Select(line => Comment().Replace(line, "").Trim())
                .Where(line => line.Length > 0)
                .Select(line => (Path.GetRelativePath(Repository.Root, page), line)));

    [GeneratedRegex(@"^ *```sh\n(?<lines>.*?)^ *```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"(^|\s+)# .*$")]
    private static partial Regex Comment();
}
