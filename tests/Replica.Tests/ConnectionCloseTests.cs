using System.Net;
using ClusterAspire.Replica.Draining;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Features;

namespace ClusterAspire.Replica.Tests;

public sealed class ConnectionCloseTests
{
    [Fact]
    public async Task While_draining_responses_close_their_connections_and_upgrades_go_on()
    {
        await using var app = await TestApplication.StartAsync(app =>
        {
            app.MapGet("/fast", () => "fast");
            app.Map("/upgrade", async context =>
            {
                await using var upgraded = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
                await upgraded.WriteAsync("upgraded"u8.ToArray());
            });
        });
        app.Get<Drain>().Announce();

        using (var response = await app.Client.GetAsync("/fast", TestContext.Current.CancellationToken))
        {
            Assert.Equal((HttpStatusCode.OK, true), (response.StatusCode, response.Headers.ConnectionClose));
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/upgrade") { Headers = { Connection = { "Upgrade" }, Upgrade = { new("echo") } } };
        using var upgrade = await app.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.SwitchingProtocols, upgrade.StatusCode);
        Assert.Equal("Upgrade", Assert.Single(upgrade.Headers.Connection));
        using var reader = new StreamReader(await upgrade.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal("upgraded", await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
    }
}
