using System.Collections.Concurrent;
using System.Net;
using ClusterAspire.Tests.Otlp;
using Attribute = ClusterAspire.Tests.Otlp.Attribute;

namespace ClusterAspire.Runner.Tests.Production;

/// <summary>The spans of the runner itself.</summary>
public sealed class TracesTests
{
    [Fact]
    public async Task Starts_restarts_reloads_and_drains_are_traced()
    {
        using var collector = new HttpListener();
        var endpoint = $"http://127.0.0.1:{FreePort.Next()}/";
        collector.Prefixes.Add(endpoint);
        collector.Start();
        var received = new ConcurrentQueue<ResourceSpans>();
        var collecting = CollectAsync(collector, received);
        await using var cluster = new PlainCluster();
        await cluster.StartAsync("env", $"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf");
        Unix.Signal((await cluster.PidsAsync()).First(), Unix.SigKill);
        await Eventually.IsTrueAsync(async () => (await cluster.PidsAsync()).Count is 2, "it is back");
        await cluster.DoAsync("reload", "replica-1");
        cluster.Write(new { FAILS = "the database is not there" });
        Assert.Equal(1, (await cluster.TellAsync("reload")).ExitCode);
        await cluster.DoAsync("stop");
        Assert.Equal(0, await cluster.Runner.ExitAsync());
        collector.Stop();
        await collecting;

        var spans = received.Where(sent => Of(sent.Resource.Attributes, "service.name") is "supervisor").SelectMany(sent => sent.Scopes).SelectMany(scope => scope.Spans).ToList();
        Assert.All(spans, span => Assert.Equal("plain", Of(span, "clusteraspire.service")));
        var starts = spans.Where(span => span.Name is "start").ToList();
        Assert.Equal("exit", Of(Assert.Single(starts, span => Of(span, "clusteraspire.restart.reason") is not null), "clusteraspire.restart.reason"));

        // A reload is one trace with the start and the drain that it consists of.
        var reloads = spans.Where(span => span.Name is "reload").ToList();
        Assert.Equal(["start replica-1", "drain replica-1", "reload "], PartsOf(reloads[0]));
        Assert.Equal("stopped", Of(reloads[1], "error.type"));
        Assert.Equal(["start replica-0", "reload "], PartsOf(reloads[1]));
        Assert.Equal("exit", Of(starts.Single(span => span.TraceId == reloads[1].TraceId), "error.type"));
        Assert.Equal("drain", spans[^1].Name);

        IEnumerable<string> PartsOf(Span whole) =>
            spans.Where(span => span.TraceId == whole.TraceId).Select(span => $"{span.Name} {Of(span, "clusteraspire.replica")}");
    }

    private static string? Of(Span span, string attribute) => Of(span.Attributes, attribute);

    private static string? Of(IEnumerable<Attribute> attributes, string name) => attributes.FirstOrDefault(attribute => attribute.Key == name)?.Value.Text;

    // Metrics too are sent there, the load balancer's.
    private static async Task CollectAsync(HttpListener collector, ConcurrentQueue<ResourceSpans> received)
    {
        while (collector.IsListening)
        {
            try
            {
                var context = await collector.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                if (context.Request.Url!.AbsolutePath is "/v1/traces")
                {
                    foreach (var sent in TracesRequest.Parser.ParseFrom(body.ToArray()).Resources)
                    {
                        received.Enqueue(sent);
                    }
                }

                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // Who sent it has ended, or the test has.
            }
        }
    }
}
