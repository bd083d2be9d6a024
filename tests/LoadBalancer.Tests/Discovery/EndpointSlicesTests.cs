using System.Text.Json;
using ClusterAspire.LoadBalancer.Discovery.Kubernetes;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests;

/// <summary>What a Service's slices amount to; JSON as the API writes it.</summary>
public sealed class EndpointSlicesTests
{
    private readonly EndpointSlices _slices = new();

    [Fact]
    public void Pods_that_serve_are_endpoints_and_pods_that_do_not_are_none()
    {
        Set("a", Pod("ready", "10.0.0.1", ready: true, serving: true), Pod("starting", "10.0.0.2", ready: false, serving: false), Pod("of-old", "10.0.0.3"));

        Assert.Equal(["of-old", "ready"], Known());
    }

    [Fact]
    public void A_pod_that_terminates_stays_and_is_marked_until_it_is_gone()
    {
        Set("a", Pod("stays", "10.0.0.1", ready: true, serving: true), Pod("leaves", "10.0.0.2", ready: false, serving: true, terminating: true), Pod("drains", "10.0.0.3", ready: false, serving: false, terminating: true));
        Assert.Equal(["drains (leaving)", "leaves (leaving)", "stays"], Known());

        Set("a", Pod("stays", "10.0.0.1", ready: true, serving: true));
        Assert.Equal(["stays"], Known());
    }

    [Fact]
    public void When_none_serves_those_known_before_stay_while_they_are_listed()
    {
        Set("a", Pod("first", "10.0.0.1", ready: true), Pod("second", "10.0.0.2", ready: true));
        var before = _slices.Endpoints([]);

        Set("a", Pod("first", "10.0.0.1", ready: false), Pod("new", "10.0.0.3", ready: false));

        Assert.Equal(["first"], _slices.Endpoints(before).Select(endpoint => endpoint.Name));
        Set("a");
        Assert.Empty(_slices.Endpoints(before));
    }

    [Fact]
    public void A_pod_in_two_slices_is_one_and_counts_as_the_better_of_both()
    {
        Set("a", Pod("moves", "10.0.0.1", ready: false, serving: false));
        Set("b", Pod("moves", "10.0.0.1", ready: true, serving: true));

        Assert.Equal(["moves"], Known());
    }

    [Fact]
    public void A_slice_that_is_deleted_takes_its_endpoints_along_and_a_list_replaces_all()
    {
        Set("a", Pod("first", "10.0.0.1"));
        var second = Set("b", Pod("second", "10.0.0.2"));
        Assert.Equal(["first", "second"], Known());

        _slices.Remove(second);
        Assert.Equal(["first"], Known());

        _slices.Replace([second]);
        Assert.Equal(["second"], Known());
    }

    [Fact]
    public void Slices_of_names_and_slices_without_endpoints_are_passed_over()
    {
        Set("a");
        _slices.Set(Read("""{ "metadata": { "name": "b" }, "addressType": "FQDN", "endpoints": [ { "addresses": [ "example.com" ] } ] }"""));
        _slices.Set(Read("""{ "metadata": { "name": "c" }, "addressType": "IPv6", "endpoints": null }"""));

        Assert.Empty(Known());
    }

    private IEnumerable<string?> Known() => _slices.Endpoints([]).Select(endpoint => endpoint.IsTerminating ? $"{endpoint.Name} (leaving)" : endpoint.Name);

    private EndpointSlice Set(string name, params string[] pods)
    {
        var slice = Read($$"""{ "metadata": { "name": "{{name}}" }, "addressType": "IPv4", "endpoints": [ {{string.Join(", ", pods)}} ] }""");
        _slices.Set(slice);
        return slice;
    }

    private static EndpointSlice Read(string json) => JsonSerializer.Deserialize(json, KubernetesJson.Default.EndpointSlice)!;

    private static string Pod(string name, string address, bool? ready = null, bool? serving = null, bool? terminating = null) =>
        JsonSerializer.Serialize(new { addresses = new[] { address }, conditions = new { ready, serving, terminating }, targetRef = new { kind = "Pod", name } });
}
