using System.Diagnostics;
using ClusterAspire.LoadBalancer.Live.Components;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class TracingTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Parent = $"00-{Trace}-00f067aa0ba902b7-01";

    private static Task EchoAsync(HttpContext context) => context.Response.WriteAsync(context.Request.Headers.TraceParent.ToString());

    private static Task BreakAsync(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task What_nobody_traces_here_is_still_the_clients_trace_at_the_replica()
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", EchoAsync);
        await using var balancer = await Balancer.StartAsync([upstream]);

        Assert.Equal(Parent, await AskAsync(balancer.Client));
    }

    [Fact]
    public async Task Each_try_is_a_client_span_of_the_trace_and_the_replica_is_told_of_its_own()
    {
        List<Activity> spans = [];
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is BalancerMetrics.Name or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (spans)
                {
                    spans.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var broken = await UpstreamServer.StartAsync("replica-0", BreakAsync);
        await using var sound = await UpstreamServer.StartAsync("replica-1", EchoAsync);
        await using var balancer = await Balancer.StartAsync([broken, sound]);

        var told = "";
        for (var limit = new Deadline(); broken.Requests == 0; limit.Check())
        {
            lock (spans)
            {
                spans.Clear();
            }

            told = await AskAsync(balancer.Client);
        }

        Activity[] tries;
        lock (spans)
        {
            tries = [.. spans.Where(span => span.TraceId.ToString() == Trace && span.Kind is ActivityKind.Client)];
        }

        Assert.Equal(["replica-0", "replica-1"], tries.Select(span => span.GetTagItem("clusteraspire.replica")));
        Assert.Equal(ActivityStatusCode.Error, tries[0].Status);
        Assert.Equal("Request", tries[0].GetTagItem("error.type"));
        Assert.Equal(1, tries[1].GetTagItem("http.request.resend_count"));
        Assert.Equal(200, tries[1].GetTagItem("http.response.status_code"));
        Assert.Equal(new Uri(sound.Address, "/fast").ToString(), tries[1].GetTagItem("url.full"));
        Assert.Equal(tries[1].Id, told);
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task What_is_not_sampled_has_no_span_and_the_replica_is_told_so(string edge)
    {
        await using var upstream = await UpstreamServer.StartAsync("replica-0", EchoAsync);
        await using var balancer = await Balancer.StartAsync(
            [upstream], ("LoadBalancer:TracesPerSecond", "0"), ("LoadBalancer:Edge", edge), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"));

        // Telemetry is the whole process', and would have another client send a trace.
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = balancer.Client.BaseAddress };

        var told = await client.GetStringAsync("/fast");
        Assert.True(ActivityContext.TryParse(told, null, out var context));
        Assert.Equal(ActivityTraceFlags.None, context.TraceFlags);
        Assert.NotEqual(told, await client.GetStringAsync("/fast"));

        // The client's own trace goes on.
        var sampled = await AskAsync(client);
        Assert.StartsWith($"00-{Trace}-", sampled);
        Assert.NotEqual(Parent, sampled);
    }

    [Fact]
    public void Methods_that_a_client_made_up_are_one_in_telemetry()
    {
        var context = new DefaultHttpContext { Request = { Method = "BREW" } };
        Assert.Equal("_OTHER", RequestMethod.Of(context.Request));
        context.Request.Method = HttpMethods.Get;
        Assert.Equal("GET", RequestMethod.Of(context.Request));
    }

    private static async Task<string> AskAsync(HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/fast?of=nobodys-business");
        request.Headers.Add("traceparent", Parent);
        using var response = await client.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }
}
