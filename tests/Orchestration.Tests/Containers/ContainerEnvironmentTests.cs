using System.Collections;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Runtime;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class ContainerEnvironmentTests
{
    private static readonly Workload Replica = new("replica-0", 0, 20000, new("http://127.0.0.1:20000/health"), new("http://127.0.0.1:20000/alive"), new Dictionary<string, string>
    {
        ["Replica__Name"] = "replica-0",
        ["OTEL_RESOURCE_ATTRIBUTES"] = "service.instance.id=replica-0",
        ["ComputeLane__QueueLimit"] = "256",
    });

    [Theory]
    [InlineData("ConnectionStrings__Orders")]
    [InlineData("Logging__LogLevel__Default")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT")]
    [InlineData("ASPNETCORE_ENVIRONMENT")]
    public void What_the_user_set_for_the_service_reaches_it(string variable) =>
        Assert.Equal("value", Environment((variable, "value"))[variable]);

    [Theory]
    [InlineData("PATH")]
    [InlineData("HOME")]
    [InlineData("DOTNET_URLS")]
    [InlineData("HTTP_PORTS")]
    [InlineData("ASPNETCORE_HTTPS_PORTS")]
    [InlineData("ASPNETCORE_Kestrel__Endpoints__Http__Url")]
    [InlineData("Kestrel__Endpoints__Http__Url")]
    [InlineData("Cluster__Replicas")]
    [InlineData("cluster__build__args__SDK_IMAGE")]
    [InlineData("ReverseProxy__Clusters__service__LoadBalancingPolicy")]
    [InlineData("Supervisor__Pid")]
    public void What_is_about_this_machine_or_for_others_does_not(string variable) =>
        Assert.DoesNotContain(variable, Environment((variable, "value")).Keys);

    [Fact]
    public void The_plan_has_the_last_word() =>
        Assert.Equal("256", Environment(("ComputeLane__QueueLimit", "1"))["ComputeLane__QueueLimit"]);

    [Fact]
    public void Resource_attributes_add_up() =>
        Assert.Equal("team=a,service.instance.id=replica-0", Environment(("OTEL_RESOURCE_ATTRIBUTES", "team=a"))["OTEL_RESOURCE_ATTRIBUTES"]);

    private static Dictionary<string, string> Environment(params (string Name, string Value)[] inherited) =>
        ContainerEnvironment.Of(Replica, new Hashtable(inherited.ToDictionary(variable => variable.Name, variable => variable.Value)));
}
