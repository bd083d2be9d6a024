namespace ClusterAspire.Aspire.Tests;

/// <summary>Whether a restore takes Aspire from the feeds or does without, what it remembers of it, and who decides instead.</summary>
public sealed class FeedsTests
{
    [Fact]
    public async Task A_feed_that_serves_Aspire_makes_the_project_an_Aspire_AppHost()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire));

        await project.RestoreAsync();

        Assert.True(await project.HasAspireAsync());
        var properties = await project.PropertiesAsync("IsAspireHost", "AspireHostingSDKVersion");
        Assert.Equal("true", properties["IsAspireHost"]);
        Assert.Equal(StandIns.Version, properties["AspireHostingSDKVersion"]);
    }

    [Fact]
    public async Task A_feed_without_Aspire_makes_an_ordinary_project_of_it()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed());

        await project.RestoreAsync();

        Assert.False(await project.HasAspireAsync());
        Assert.Equal("", (await project.PropertiesAsync("IsAspireHost", "AspireHostingSDKVersion"))["IsAspireHost"]);
    }

    [Fact]
    public async Task Before_the_first_restore_the_project_says_that_it_is_an_AppHost()
    {
        using var project = new Project();

        Assert.Equal("true", (await project.PropertiesAsync("IsAspireHost", "AspireHostingSDKVersion"))["IsAspireHost"]);
    }

    [Fact]
    public async Task A_feed_with_a_part_of_Aspire_is_one_without()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire[..2]));

        await project.RestoreAsync();

        Assert.False(await project.HasAspireAsync());
    }

    [Fact]
    public async Task A_feed_that_lacks_what_Aspire_depends_on_is_one_without()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire, dependency: "Aspire.Hosting"));

        await project.RestoreAsync();

        Assert.False(await project.HasAspireAsync());
    }

    [Fact]
    public async Task Packages_that_were_restored_earlier_do_not_make_up_for_the_feeds()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire));
        await project.RestoreAsync();

        project.UseFeeds(project.Feed("another"));
        await project.RestoreAsync();

        Assert.False(await project.HasAspireAsync());
    }

    [Fact]
    public async Task A_yes_holds_no_longer_than_the_packages()
    {
        using var project = new Project();
        var feed = project.Feed().Serve(StandIns.Aspire);
        project.UseFeeds(feed);
        await project.RestoreAsync();

        feed.Withdraw();
        await project.RestoreAsync();
        Assert.True(await project.HasAspireAsync());

        project.ClearPackages();
        await project.RestoreAsync();
        Assert.False(await project.HasAspireAsync());
    }

    [Fact]
    public async Task A_no_is_remembered_until_the_feeds_change()
    {
        using var project = new Project();
        var feed = project.Feed();
        project.UseFeeds(feed);
        await project.RestoreAsync();
        feed.Serve(StandIns.Aspire);

        await project.RestoreAsync();
        Assert.False(await project.HasAspireAsync());

        project.UseFeeds(feed, project.Feed("another"));
        await project.RestoreAsync();
        Assert.True(await project.HasAspireAsync());
    }

    [Fact]
    public async Task A_source_given_to_restore_is_one_of_the_feeds()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed());
        await project.RestoreAsync();
        var other = project.Feed("other").Serve(StandIns.Aspire);

        await project.RestoreAsync("--source", other.Folder);
        Assert.True(await project.HasAspireAsync());

        await project.RestoreAsync();
        await project.RestoreAsync($"-p:RestoreAdditionalProjectSources={other.Folder}");
        Assert.True(await project.HasAspireAsync());
    }

    [Fact]
    public async Task Another_version_is_asked_for()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire, "99.1.0"));
        await project.RestoreAsync();
        Assert.False(await project.HasAspireAsync());

        await project.RestoreAsync("-p:AspireVersion=99.1.0");

        Assert.True(await project.HasAspireAsync());
    }

    [Fact]
    public async Task A_yes_is_remembered()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire));
        await project.RestoreAsync();
        project.ForgetThatItAsked();

        await project.RestoreAsync();

        Assert.True(await project.HasAspireAsync());
        Assert.False(project.HasAsked());
    }

    [Fact]
    public async Task A_feed_that_cannot_be_reached_leaves_the_question_open()
    {
        using var project = new Project();
        // A port nobody listens at.
        project.UseFeeds("http://127.0.0.1:1/index.json");

        await project.RestoreAsync("-p:RestoreIgnoreFailedSources=false");

        Assert.True(project.HasAsked());
        Assert.False(project.Remembers);
        Assert.False(await project.HasAspireAsync());
    }

    [Fact]
    public async Task UseAspire_false_asks_nobody()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire));

        await project.RestoreAsync("-p:UseAspire=false");

        Assert.False(await project.HasAspireAsync());
        Assert.False(project.HasAsked());
        Assert.False(project.Remembers);
    }

    [Fact]
    public async Task UseAspire_false_builds_without_Aspire_even_if_it_was_restored()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire));
        await project.RestoreAsync();

        Assert.False(await project.HasAspireAsync("App", "-p:UseAspire=false"));
    }

    [Fact]
    public async Task UseAspire_true_asks_nobody_and_insists()
    {
        using var project = new Project();
        var feed = project.Feed();
        project.UseFeeds(feed);

        var (exitCode, output) = await project.TryRestoreAsync("-p:UseAspire=true");
        Assert.NotEqual(0, exitCode);
        Assert.Contains("NU1101", output);

        feed.Serve(StandIns.Aspire);
        await project.RestoreAsync("-p:UseAspire=true");
        Assert.True(await project.HasAspireAsync());
        Assert.False(project.HasAsked());
    }

    [Fact]
    public async Task UseAspire_is_true_or_false()
    {
        using var project = new Project();

        var (exitCode, output) = await project.TryRestoreAsync("-p:UseAspire=perhaps");

        Assert.NotEqual(0, exitCode);
        Assert.Contains("UseAspire must be true or false, or left out to ask the NuGet feeds, not 'perhaps'.", output);
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task The_projects_of_a_solution_ask_each_for_themselves(string staticGraph)
    {
        using var project = new Project();
        project.Add("Tests", "<AspirePackage>Aspire.Hosting.Testing</AspirePackage>");
        project.AddSolution("App", "Tests");
        project.UseFeeds(project.Feed().Serve(StandIns.Testing));

        await project.RestoreSolutionAsync($"-p:RestoreUseStaticGraphEvaluation={staticGraph}");

        Assert.False(await project.HasAspireAsync("App"));
        Assert.True(await project.HasAspireAsync("Tests"));
        Assert.Equal("", (await project.PropertiesAsync("IsAspireHost", "HasAspire"))["IsAspireHost"]);
    }

    [Fact]
    public async Task A_build_without_restore_asks_nobody()
    {
        using var project = new Project();
        project.UseFeeds(project.Feed().Serve(StandIns.Aspire));
        await project.RestoreAsync("-p:UseAspire=false");

        var (exitCode, output) = await project.RunAsync("build", "App", "--no-restore");

        Assert.True(exitCode is 0, output);
        Assert.False(project.HasAsked());
    }

    [Fact]
    public async Task The_AppHost_has_its_Aspire_folder_when_it_has_Aspire()
    {
        using var project = new Project();

        Assert.Contains("AspireHost.cs", await Sources("-p:PkgAspire_Hosting_AppHost=restored"));
        Assert.DoesNotContain("AspireHost.cs", await Sources("-p:PkgAspire_Hosting_AppHost="));

        async Task<string> Sources(string restored)
        {
            var (exitCode, output) = await project.RunAsync("msbuild", Path.Combine(Project.AppHost, "AppHost.csproj"), "-getItem:Compile", restored);
            Assert.True(exitCode is 0, output);
            return output;
        }
    }
}
