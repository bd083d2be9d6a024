using System.Globalization;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace ClusterAspire.LoadBalancer.Page.Tests;

public sealed class LivePageTests(LiveCluster cluster, Chromium chromium) : IClassFixture<LiveCluster>, IClassFixture<Chromium>
{
    private static readonly LocatorAssertionsToContainTextOptions Patient = new() { Timeout = 60_000 };

    [Fact]
    public async Task It_shows_every_replica_and_its_balancer_without_a_console_error()
    {
        var page = await chromium.OpenAsync(new("about:blank"));
        var errors = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                errors.Add(message.Text);
            }
        };
        page.PageError += (_, error) => errors.Add(error);
        page.RequestFailed += (_, request) => errors.Add(request.Url);
        page.Response += (_, response) =>
        {
            if (!response.Ok && response.Status is not 101)
            {
                errors.Add($"{response.Status} {response.Url}");
            }
        };
        await page.GotoAsync(cluster.Admin.BaseAddress!.ToString());

        foreach (var replica in LiveCluster.Replicas)
        {
            await Expect(Card(page, replica)).ToContainTextAsync("ready", Patient);
        }

        await Expect(page.Locator(".whose")).ToContainTextAsync("load balancer loadbalancer", Patient);
        await Expect(page.Locator(".chart svg").First).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await page.WaitForTimeoutAsync(2000);
        Assert.Empty(errors);
    }

    [Fact]
    public async Task It_follows_the_requests_without_being_reloaded()
    {
        var page = await chromium.OpenAsync(cluster.Admin.BaseAddress!);
        var card = Card(page, "replica-0");
        await Expect(card).ToBeVisibleAsync();
        await Eventually.AnswersAsync(async () =>
        {
            var before = await CountAsync(card);
            for (var i = 0; i < 10; i++)
            {
                await cluster.Client.GetStringAsync("/fast", TestContext.Current.CancellationToken);
            }

            await page.WaitForTimeoutAsync(2000);
            return await CountAsync(card) > before;
        });
        await Expect(page.Locator(".heatmap path").First).ToBeAttachedAsync();
    }

    [Fact]
    public async Task Its_charts_fill_their_panels_have_axes_and_follow_the_requests()
    {
        var page = await chromium.OpenAsync(cluster.Admin.BaseAddress!);
        var charts = page.Locator(".chart");
        await Expect(charts).ToHaveCountAsync(4);
        // At one moment: what the browser got first is replaced once the page is connected.
        await Eventually.AnswersAsync(() => page.EvaluateAsync<bool>(
            """
            [...document.querySelectorAll('.chart')].every(chart => {
                const plot = chart.querySelector('svg').getBoundingClientRect();
                return plot.width > 0.8 * chart.getBoundingClientRect().width && plot.height > 100
                    && chart.querySelectorAll('.axis span').length > 1 && chart.querySelector('.time').textContent.includes('now');
            })
            """));
        await Eventually.AnswersAsync(async () =>
        {
            await cluster.Client.GetStringAsync("/fast", TestContext.Current.CancellationToken);
            await page.WaitForTimeoutAsync(500);
            // What is drawn now is at the right end, between the axis' ends.
            return await page.EvaluateAsync<bool>(
                """
                [...document.querySelectorAll('.chart')].every(chart => {
                    const plot = chart.querySelector('svg').getBoundingClientRect();
                    return [...chart.querySelectorAll('path')].map(path => path.getBoundingClientRect()).some(line =>
                        line.right > plot.right - 0.05 * plot.width && line.right < plot.right + 5 && line.top > plot.top - 5 && line.bottom < plot.bottom + 5);
                })
                """);
        });
    }

    [Fact]
    public async Task It_shows_who_is_busy()
    {
        var page = await chromium.OpenAsync(cluster.Admin.BaseAddress!);
        using var stop = new CancellationTokenSource();
        var slow = cluster.Client.GetAsync("/slow?iterations=20000000000", stop.Token);

        await Expect(page.Locator(".card.busy").First).ToContainTextAsync("1 of 1 slot, for", Patient);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
    }

    [Fact]
    public async Task It_shows_which_lane_is_stuck()
    {
        await using var stuck = new LiveCluster { Settings = { ["ComputeLane__StuckAfter"] = "1" } };
        await stuck.InitializeAsync();
        var page = await chromium.OpenAsync(stuck.Admin.BaseAddress!);
        await Expect(page.Locator(".card")).ToHaveCountAsync(LiveCluster.Replicas.Count, new() { Timeout = 60_000 });
        await Expect(page.Locator(".stuck")).ToHaveCountAsync(0);
        using var stop = new CancellationTokenSource();
        var slow = stuck.Client.GetAsync("/slow?iterations=20000000000", stop.Token);

        await Expect(page.Locator(".card .stuck")).ToHaveTextAsync("compute lane stuck", new() { Timeout = 60_000 });
        await Expect(page.Locator(".events")).ToContainTextAsync("compute lane stuck", Patient);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);
        await Expect(page.Locator(".stuck")).ToHaveCountAsync(0, new() { Timeout = 60_000 });
    }

    [Fact]
    public async Task It_shows_a_killed_replica_restarting_and_back()
    {
        var page = await chromium.OpenAsync(cluster.Admin.BaseAddress!);
        var card = Card(page, "replica-1");
        await Expect(card.Locator(".state")).ToHaveTextAsync("ready", new() { Timeout = 60_000 });
        var restarts = int.Parse(await card.Locator(".restarts").InnerTextAsync(), CultureInfo.InvariantCulture);

        await cluster.KillAsync("replica-1");
        await Expect(card.Locator(".state")).ToHaveTextAsync("restarting", new() { Timeout = 60_000 });

        cluster.StartReplica("replica-1");
        await Expect(card.Locator(".state")).ToHaveTextAsync("ready", new() { Timeout = 60_000 });
        await Expect(card.Locator(".restarts")).ToHaveTextAsync($"{restarts + 1}");
        await Expect(page.Locator(".events")).ToContainTextAsync($"restart {restarts + 1}", Patient);
    }

    [Fact]
    public async Task It_comes_back_with_its_load_balancer_however_long_that_was_away()
    {
        await using var restarted = new LiveCluster();
        await restarted.InitializeAsync();
        var page = await chromium.OpenAsync(new("about:blank"));
        await page.Clock.InstallAsync();
        await page.GotoAsync(restarted.Admin.BaseAddress!.ToString());
        var lost = page.Locator("#components-reconnect-modal");
        await FollowsAsync();
        await Expect(lost).ToBeHiddenAsync();
        await page.EvaluateAsync("window.isTheOldPage = true");

        await restarted.KillAsync("loadbalancer");
        await Expect(lost).ToBeVisibleAsync(new() { Timeout = 60_000 });
        // By its own clock the page waits for more than an hour.
        for (var i = 0; i < 80; i++)
        {
            await page.Clock.RunForAsync(60_000);
            await page.WaitForTimeoutAsync(20);
        }

        restarted.StartLoadBalancer();
        await Eventually.AnswersAsync(async () =>
        {
            try
            {
                return await page.EvaluateAsync<bool>("!window.isTheOldPage");
            }
            catch (PlaywrightException)
            {
                // The page is just being loaded.
                return false;
            }
        });
        await FollowsAsync();
        await Expect(lost).ToBeHiddenAsync();

        // What the browser got first shows figures too, but stands still until the page is connected.
        async Task FollowsAsync()
        {
            var before = await CountAsync(Card(page, "replica-0"));
            await Eventually.AnswersAsync(async () =>
            {
                await restarted.Client.GetStringAsync("/fast");
                return await CountAsync(Card(page, "replica-0")) > before;
            });
        }
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1400)]
    [InlineData(ColorScheme.Light, 400)]
    [InlineData(ColorScheme.Dark, 1400)]
    [InlineData(ColorScheme.Dark, 400)]
    public async Task It_fits_the_screen_and_follows_the_preferred_colors(ColorScheme colors, int width)
    {
        var page = await chromium.OpenAsync(cluster.Admin.BaseAddress!, colors, width);
        await Expect(page.Locator(".chart svg").First).ToBeVisibleAsync(new() { Timeout = 60_000 });

        Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width, "The page is wider than the screen.");
        var background = await page.EvaluateAsync<int>("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((sum, part) => sum + +part, 0)");
        Assert.Equal(colors is ColorScheme.Dark, background < 3 * 128);
    }

    [Fact]
    public async Task The_experiment_runs_and_says_what_came_of_it()
    {
        var picture = Environment.GetEnvironmentVariable("LIVE_PAGE_SCREENSHOT");
        if (picture is { Length: > 0 })
        {
            await WorkAsync(TimeSpan.FromMinutes(2));
        }

        var page = await chromium.OpenAsync(cluster.Admin.BaseAddress!);
        await Expect(page.Locator(".chart svg").First).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await page.GetByRole(AriaRole.Button, new() { Name = "Run the experiment" }).ClickAsync();

        await Expect(page.Locator(".experiment .dots svg").Last).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Expect(page.Locator(".result")).ToContainTextAsync("/fast requests took", Patient);

        // The README's picture is taken here, under the experiment's load.
        if (picture is { Length: > 0 })
        {
            var load = Task.WhenAll(WorkAsync(TimeSpan.FromSeconds(5)), cluster.Client.GetStringAsync("/slow", TestContext.Current.CancellationToken));
            await page.WaitForTimeoutAsync(1500);
            await Expect(page.Locator(".card.busy").First).ToBeVisibleAsync();
            await page.ScreenshotAsync(new() { Path = picture, FullPage = true });
            await load;
        }
    }

    [Fact]
    public async Task Nothing_of_it_is_on_the_public_port()
    {
        var html = await cluster.Admin.GetStringAsync("/", TestContext.Current.CancellationToken);
        string[] paths =
        [
            "/", "/live.css", "/_framework/blazor.web.js", "/_blazor/initializers", "/_blazor/negotiate", "/metrics", "/api/replicas",
            .. System.Text.RegularExpressions.Regex.Matches(html, "(?:href|src)=\"([^:\"]+)\"").Select(match => "/" + match.Groups[1].Value.TrimStart('/')).Where(path => path != "/"),
        ];
        Assert.True(paths.Length > 8);
        foreach (var path in paths.Distinct())
        {
            using var response = await cluster.Client.GetAsync(path, TestContext.Current.CancellationToken);
            // The replica was asked, and has no such page.
            Assert.True(response.Headers.Contains("X-Replica"), path);
            Assert.Equal(System.Net.HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    public async Task In_production_the_page_is_served_from_the_build_output_and_the_experiment_is_off()
    {
        await using var production = new LiveCluster { Settings = { ["ASPNETCORE_ENVIRONMENT"] = "Production" } };
        await production.InitializeAsync();
        var page = await chromium.OpenAsync(production.Admin.BaseAddress!);
        await Expect(page.Locator(".chart svg").First).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Expect(page.Locator(".experiment")).ToContainTextAsync("Development environment only", Patient);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Run the experiment" })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Its_buttons_tell_the_runner_what_to_do_and_say_what_came_of_it()
    {
        var page = await chromium.OpenAsync(cluster.Admin.BaseAddress!);

        await page.GetByRole(AriaRole.Button, new() { Name = "Reload" }).ClickAsync();
        await Expect(page.Locator(".commands")).ToContainTextAsync("As you like.", Patient);
        await page.GetByRole(AriaRole.Button, new() { Name = "+1" }).ClickAsync();
        await Eventually.IsTrueAsync(() => cluster.Runner.Asked.Count is 2);
        await Card(page, "replica-1").GetByRole(AriaRole.Button, new() { Name = "Restart" }).ClickAsync();
        await Eventually.IsTrueAsync(() => cluster.Runner.Asked.Count is 3);

        Assert.Equal(["reload ", "scale +1", "reload replica-1"], cluster.Runner.Asked);
    }

    [Fact]
    public async Task It_shows_what_the_supervisor_reports()
    {
        var page = await chromium.OpenAsync(cluster.Admin.BaseAddress!);
        using var reported = await cluster.Admin.PostAsync(
            "/api/events",
            new StringContent("""{"subject":"supervisor","text":"replica-9 (pid 1) exited with code 137"}""", System.Text.Encoding.UTF8, "application/json"),
            TestContext.Current.CancellationToken);
        await Expect(page.Locator(".events")).ToContainTextAsync("replica-9 (pid 1) exited with code 137", Patient);
    }

    // Light requests all the time, compute requests in bursts.
    private async Task WorkAsync(TimeSpan duration)
    {
        using var end = new CancellationTokenSource(duration);
        await Task.WhenAll(RepeatAsync("/fast", TimeSpan.FromMilliseconds(10)), RepeatAsync("/slow?iterations=1000000000", TimeSpan.FromSeconds(5)), RepeatAsync("/slow?iterations=300000000", TimeSpan.FromMilliseconds(700)));

        async Task RepeatAsync(string path, TimeSpan pause)
        {
            while (!end.IsCancellationRequested)
            {
                await cluster.Client.GetStringAsync(path);
                await Task.Delay(pause);
            }
        }
    }

    private static ILocator Card(IPage page, string replica) => page.Locator($"[data-replica={replica}]");

    private static async Task<long> CountAsync(ILocator card) =>
        long.Parse(await card.Locator(".count").InnerTextAsync(), NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
}
