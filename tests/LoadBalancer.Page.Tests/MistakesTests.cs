using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Xunit;

namespace ClusterAspire.LoadBalancer.Page.Tests;

/// <summary>A mistake, the user's or a client's, is answered by a sentence and never by a stack trace.</summary>
public sealed class MistakesTests
{
    [Theory]
    [InlineData("LoadBalancer__RetryRatio", "7", "LoadBalancer:RetryRatio must be from 0 to 1.")]
    [InlineData("LoadBalancer__RetryRatio", "many", "LoadBalancer:RetryRatio cannot be 'many': it must be a number.")]
    [InlineData("LoadBalancer__Url", "", "LoadBalancer:Url must be an address such as http://127.0.0.1:8080.")]
    [InlineData("LoadBalancer__AdminUrl", "8081", "LoadBalancer:AdminUrl must be an address such as http://127.0.0.1:8081.")]
    [InlineData("LoadBalancer__AdminUrl", "http://127.0.0.1:8080", "LoadBalancer:Url and LoadBalancer:AdminUrl must have different ports.")]
    [InlineData("ReverseProxy__Routes__light__Match__Path", "{path", "ReverseProxy: Invalid path '{path' for route 'light'.")]
    public async Task A_wrong_option_is_one_sentence_and_exit_code_1(string variable, string value, string sentence)
    {
        await using var balancer = TestProcess.Start(new ProcessStartInfo("dotnet", [Repository.Output("LoadBalancer")]) { Environment = { [variable] = value } });

        Assert.Equal(1, await balancer.ExitAsync());
        Assert.Equal(sentence, Assert.Single(balancer.Errors));
        Assert.Empty(balancer.Output);
    }

    [Theory]
    [InlineData("LoadBalancer__AdminUrl", "8081", "LoadBalancer:AdminUrl must be an address such as http://127.0.0.1:8081.")]
    [InlineData("LoadBalancer__HoldSockets", "maybe", "LoadBalancer:HoldSockets cannot be 'maybe': it must be true or false.")]
    [InlineData("LoadBalancer__RetryRatio", "7", "LoadBalancer:RetryRatio must be from 0 to 1.")]
    public async Task Where_a_process_holds_the_sockets_it_is_the_same(string variable, string value, string sentence)
    {
        var port = FreePort.Next();
        ProcessStartInfo start = new("dotnet", [Repository.Output("LoadBalancer")])
        {
            Environment = { ["LoadBalancer__HoldSockets"] = "true", ["LoadBalancer__Url"] = $"http://127.0.0.1:{port}", ["LoadBalancer__AdminUrl"] = $"http://127.0.0.1:{FreePort.Next()}" },
        };
        start.Environment[variable] = value;
        await using var balancer = TestProcess.Start(start);

        Assert.Equal(1, await balancer.ExitAsync());
        Assert.Equal(sentence, Assert.Single(balancer.Errors));
        Assert.Empty(balancer.Output);
    }

    [Fact]
    public async Task Where_a_process_is_to_hold_a_port_that_is_taken_it_says_so()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var balancer = TestProcess.Start(new ProcessStartInfo("dotnet", [Repository.Output("LoadBalancer")])
        {
            Environment = { ["LoadBalancer__HoldSockets"] = "true", ["LoadBalancer__Url"] = $"http://127.0.0.1:{port}", ["LoadBalancer__AdminUrl"] = $"http://127.0.0.1:{FreePort.Next()}" },
        });

        Assert.Equal(1, await balancer.ExitAsync());
        Assert.StartsWith($"Port {port} is already in use", Assert.Single(balancer.Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Development")]
    [InlineData("Production")]
    public async Task A_request_that_cannot_be_read_is_a_problem_that_says_why(string environment)
    {
        await using var cluster = new LiveCluster { Settings = { ["ASPNETCORE_ENVIRONMENT"] = environment } };
        await cluster.InitializeAsync();
        using var response = await cluster.Admin.PostAsync(
            "/api/events", new StringContent("{", Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Contains("JSON", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.False(problem.TryGetProperty("exception", out _));
    }
}
