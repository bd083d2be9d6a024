using System.Text.RegularExpressions;
using ClusterAspire.Contract;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace ClusterAspire.Aspire.Tests;

/// <summary>What a user sees and clicks in the real dashboard.</summary>
public sealed partial class DashboardTests(AppHostProcess appHost, Chromium browser) : IClassFixture<AppHostProcess>, IClassFixture<Chromium>
{
    [Fact]
    public async Task The_service_is_shown_with_its_replicas_and_each_with_its_latency()
    {
        var page = await OpenAsync();
        foreach (var row in (string[])["loadbalancer", "service", "service-replica-0", "service-replica-1"])
        {
            await Expect(Row(page, row)).ToContainTextAsync("Running");
        }

        await Expect(Row(page, "service")).ToContainTextAsync("2 of 2 replicas");
        await Expect(Row(page, "service").GetByRole(AriaRole.Link, new() { Name = "Live page" })).ToHaveCountAsync(1);
        await Row(page, "service-replica-0").GetByText("service-replica-0", new() { Exact = true }).ClickAsync();
        var latency = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Light p99" });
        await Eventually.IsTrueAsync(
            async () =>
            {
                await SendAsync(4);
                return Milliseconds().IsMatch(await latency.InnerTextAsync());
            },
            "the latency of light requests is shown");
    }

    [Fact]
    public async Task A_trace_goes_through_the_balancer_and_a_replica_which_has_metrics_of_its_own()
    {
        await SendAsync(4);
        var page = await OpenAsync("traces");
        await Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "loadbalancer (2)" }).Filter(new() { HasText = "service-replica-" }).First).ToBeVisibleAsync();

        await OpenAsync("metrics/resource/service-replica-0", page);
        await Expect(page.GetByText("ClusterAspire.ComputeLane").First).ToBeVisibleAsync();
        await OpenAsync("structuredlogs/resource/service-replica-1", page);
        await Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Now listening on" }).First).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Scale_and_rolling_restart_are_clicked()
    {
        var page = await OpenAsync();
        await ScaleAsync(page, 1);
        await Eventually.IsTrueAsync(async () => (await ReplicaAsync("replica-1")).State is ReplicaState.Restarting or ReplicaState.Down, "replica-1 has stopped");
        await Expect(Row(page, "service")).ToContainTextAsync("1 of 2 replicas");
        await ScaleAsync(page, 2);
        await UntilBothAreReadyAsync();

        var before = (await appHost.ReplicasAsync()).Select(replica => replica.Pid).ToList();
        await Row(page, "service").GetByRole(AriaRole.Button, new() { Name = "Actions" }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Rolling restart" }).ClickAsync();
        await Button(page, "Yes").ClickAsync();
        await Eventually.IsTrueAsync(async () => (await appHost.ReplicasAsync()).All(replica => !before.Contains(replica.Pid)), "both replicas run anew");
        await UntilBothAreReadyAsync();
    }

    private static async Task ScaleAsync(IPage page, int replicas)
    {
        // The button does nothing while the command before it still runs.
        var dialog = page.GetByText("Run from 1 to 2 replicas.", new() { Exact = true });
        await Eventually.IsTrueAsync(
            async () =>
            {
                await Row(page, "service").GetByRole(AriaRole.Button, new() { Name = "Run from 1 to 2 replicas." }).ClickAsync();
                await Task.Delay(2000);
                return await dialog.IsVisibleAsync();
            },
            "the dialog is open");
        var field = page.Locator("fluent-dialog fluent-text-input input");
        await field.FillAsync($"{replicas}");
        // The dashboard takes the value when the field is left.
        await field.PressAsync("Tab");
        await Button(page, "Scale").ClickAsync();
    }

    private static ILocator Button(IPage page, string text) => page.Locator("fluent-button").Filter(new() { HasText = text }).Last;

    private static ILocator Row(IPage page, string name) =>
        page.GetByRole(AriaRole.Row).Filter(new() { Has = page.Locator(".resource-name-text").GetByText(name, new() { Exact = true }) });

    private async Task<IPage> OpenAsync(string path = "", IPage? page = null)
    {
        if (page is not null)
        {
            await page.GotoAsync($"{appHost.Dashboard}{path}");
            return page;
        }

        // A busy machine is not a broken dashboard.
        SetDefaultExpectTimeout(60_000);
        var opened = await browser.OpenAsync(new(appHost.Dashboard, path));
        opened.Console += (_, message) => Assert.False(message.Type is "error", message.Text);
        return opened;
    }

    private async Task SendAsync(int requests)
    {
        for (var i = 0; i < requests; i++)
        {
            await appHost.Client.GetStringAsync("/fast");
        }
    }

    private async Task<ReplicaStatus> ReplicaAsync(string name) => (await appHost.ReplicasAsync()).Single(replica => replica.Name == name);

    private Task UntilBothAreReadyAsync() => Eventually.IsTrueAsync(
        async () => (await appHost.ReplicasAsync()).All(replica => replica.State is ReplicaState.Ready), "both replicas are ready");

    [GeneratedRegex(@"[0-9.]+ ms")]
    private static partial Regex Milliseconds();
}
