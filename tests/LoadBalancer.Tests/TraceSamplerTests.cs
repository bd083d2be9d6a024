using System.Diagnostics;
using ClusterAspire.LoadBalancer.Configuration;
using ClusterAspire.LoadBalancer.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Trace;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

public sealed class TraceSamplerTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void So_many_requests_a_second_are_traced_of_those_without_a_trace()
    {
        var sampler = Sampler(perSecond: 10);

        Assert.Equal(10, Enumerable.Range(0, 1_000).Count(_ => Samples(sampler, default)));
        Assert.False(sampler.MaySample(default));
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.True(sampler.MaySample(default));
        Assert.Equal(2, Enumerable.Range(0, 1_000).Count(_ => Samples(sampler, default)));
        // What was not used for long is not saved up.
        _time.Advance(TimeSpan.FromHours(1));
        Assert.InRange(Enumerable.Range(0, 1_000).Count(_ => Samples(sampler, default)), 10, 11);
    }

    [Fact]
    public void None_of_them_is_traced_at_0()
    {
        var sampler = Sampler(perSecond: 0);

        Assert.False(sampler.MaySample(default));
        Assert.False(Samples(sampler, default));
    }

    [Fact]
    public void A_clients_trace_is_as_the_client_says()
    {
        var sampler = Sampler(perSecond: 1);

        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(sampler.MaySample(Parent(ActivityTraceFlags.Recorded)) && Samples(sampler, Parent(ActivityTraceFlags.Recorded))));
        Assert.False(sampler.MaySample(Parent(ActivityTraceFlags.None)));
        Assert.False(Samples(sampler, Parent(ActivityTraceFlags.None)));
        Assert.True(Samples(sampler, default));
    }

    [Fact]
    public void Another_sampler_decides_where_one_is_named()
    {
        var sampler = Sampler(perSecond: 0, ("OTEL_TRACES_SAMPLER", "always_on"));

        Assert.True(sampler.MaySample(default));
        Assert.True(sampler.MaySample(Parent(ActivityTraceFlags.None)));
    }

    [Fact]
    public void A_trace_that_is_not_sampled_is_a_valid_one()
    {
        Span<byte> field = stackalloc byte[BalancerTraces.TraceParentLength];
        BalancerTraces.WriteUnsampled(field);

        Assert.True(ActivityContext.TryParse(System.Text.Encoding.ASCII.GetString(field), null, out var context));
        Assert.Equal(ActivityTraceFlags.None, context.TraceFlags);
    }

    private static ActivityContext Parent(ActivityTraceFlags flags) => new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), flags, isRemote: true);

    private static bool Samples(TraceSampler sampler, ActivityContext parent) =>
        sampler.ShouldSample(new SamplingParameters(parent, ActivityTraceId.CreateRandom(), "GET", ActivityKind.Server)).Decision is SamplingDecision.RecordAndSample;

    private TraceSampler Sampler(int perSecond, params (string Name, string Value)[] configuration) => new(
        new ConfigurationBuilder().AddInMemoryCollection(configuration.ToDictionary(pair => pair.Name, pair => (string?)pair.Value)).Build(),
        Options.Create(new LoadBalancerOptions { TracesPerSecond = perSecond }),
        _time);
}
