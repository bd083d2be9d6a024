using ClusterAspire.Orchestration.Options;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class ClusterOptionsTests
{
    [Fact]
    public void What_is_not_configured_keeps_its_default()
    {
        var options = From();

        Assert.Equal(("auto", 8080, 8081, RuntimeKind.Auto, true, 10.0), (options.Replicas, options.Port, options.AdminPort, options.Runtime, options.Pin, options.DrainTimeout));
    }

    [Fact]
    public void Every_option_can_be_configured()
    {
        var options = From(
            ("Replicas", "3"), ("port", "9000"), ("AdminPort", "9001"), ("ReplicaPort", "9100"), ("Runtime", "process"),
            ("Pin", "false"), ("Service", "a.dll"), ("Name", "orders"), ("DrainTimeout", "2.5"),
            ("Engine", "podman"), ("Image", "orders:2"), ("Memory", "256m"), ("Clean", "true"), ("QueueLimit", "7"), ("LaneQueueLimit", "0"), ("Standby", "true"));

        Assert.Equal(("3", 9000, 9001, 9100), (options.Replicas, options.Port, options.AdminPort, options.ReplicaPort));
        Assert.Equal((RuntimeKind.Process, false, "a.dll", "orders", 2.5), (options.Runtime, options.Pin, options.Service, options.Name, options.DrainTimeout));
        Assert.Equal((EngineKind.Podman, "orders:2", "256m", true), (options.Engine, options.Image, options.Memory, options.Clean));
        Assert.Equal((7, 0, true), (options.QueueLimit, options.LaneQueueLimit, options.Standby));
    }

    [Theory]
    [InlineData("Port", "abc", "--port (Cluster:Port) must be a whole number, not 'abc'.")]
    [InlineData("AdminPort", "", "--admin-port (Cluster:AdminPort) must be a whole number, not ''.")]
    [InlineData("QueueLimit", "some", "--queue-limit (Cluster:QueueLimit) must be a whole number, not 'some'.")]
    [InlineData("Pin", "perhaps", "--no-pin (Cluster:Pin) must be true or false, not 'perhaps'.")]
    [InlineData("DrainTimeout", "soon", "--drain-timeout (Cluster:DrainTimeout) must be a number, not 'soon'.")]
    public void A_value_of_the_wrong_kind_is_said_in_one_sentence(string name, string value, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<ClusterException>(() => From((name, value))).Message);

    [Theory]
    [InlineData("vm")]
    [InlineData("7")]
    public void An_unknown_runtime_is_answered_with_those_there_are(string value)
    {
        var message = Assert.Throws<ClusterException>(() => From(("Runtime", value))).Message;

        Assert.StartsWith("--runtime (Cluster:Runtime) must be auto or process or container, ", message, StringComparison.Ordinal);
        Assert.EndsWith($"not '{value}'.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_misspelt_option_is_answered_with_those_there_are()
    {
        var message = Assert.Throws<ClusterException>(() => From(("Replica", "3"))).Message;

        Assert.StartsWith("Cluster:Replica is not an option: the options are Name, Replicas, Port,", message, StringComparison.Ordinal);
    }

    private static ClusterOptions From(params (string Name, string Value)[] settings) => ClusterOptions.From(
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create($"Cluster:{setting.Name}", (string?)setting.Value)))
            .Build());
}
