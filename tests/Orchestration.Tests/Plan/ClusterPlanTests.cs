using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class ClusterPlanTests
{
    private static readonly Machine Quad = new([0, 1, 2, 3], 4) { IsFree = _ => true };

    [Fact]
    public void By_default_each_core_gets_one_replica()
    {
        var plan = ClusterPlan.Create(new(), Quad);

        Assert.Equal([("replica-0", 0), ("replica-1", 1), ("replica-2", 2), ("replica-3", 3)], plan.Replicas.Select(replica => (replica.Name, replica.Core!.Value)));
        Assert.Empty(plan.Warnings);
    }

    [Fact]
    public void Only_cores_of_the_affinity_mask_are_used()
    {
        var plan = ClusterPlan.Create(new(), Quad with { Cores = [5, 7], Processors = 2 });

        Assert.Equal([5, 7], plan.Replicas.Select(replica => replica.Core!.Value));
    }

    [Fact]
    public void A_cpu_quota_bounds_the_default_number_of_replicas() =>
        Assert.Equal(2, ClusterPlan.Create(new(), Quad with { Processors = 2 }).Replicas.Count);

    [Fact]
    public void More_replicas_than_cores_share_them_in_turn_with_a_warning()
    {
        var plan = ClusterPlan.Create(new() { Replicas = "5" }, Quad with { Cores = [2, 3], Processors = 2 });

        Assert.Equal([2, 3, 2, 3, 2], plan.Replicas.Select(replica => replica.Core!.Value));
        Assert.Equal(["5 replicas share 2 cores, so some slow each other down: --replicas auto gives each its own."], plan.Warnings);
    }

    [Fact]
    public void A_plan_can_have_more_replicas_than_were_chosen()
    {
        var plan = ClusterPlan.Create(new() { Replicas = "1" }, Quad, atLeast: 3);

        Assert.Equal([0, 1, 2], plan.Replicas.Select(replica => replica.Core!.Value));
        Assert.Equal(ClusterPlan.Create(new() { Replicas = "1" }, Quad).Replicas[0].Port, plan.Replicas[0].Port);
        Assert.Equal(4, ClusterPlan.Create(new(), Quad, atLeast: 3).Replicas.Count);
    }

    [Fact]
    public void Replicas_are_told_who_they_are()
    {
        var replica = ClusterPlan.Create(new() { Name = "orders", DrainTimeout = 2.5, LaneQueueLimit = 9 }, Quad).Replicas[1];

        Assert.Equal(
            new Dictionary<string, string>
            {
                ["Replica__Name"] = "replica-1",
                ["Replica__Core"] = "1",
                ["OTEL_SERVICE_NAME"] = "orders",
                ["OTEL_RESOURCE_ATTRIBUTES"] = "service.instance.id=replica-1",
                ["Drain__Timeout"] = "2.5",
                ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true",
                ["ComputeLane__QueueLimit"] = "9",
                ["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0",
            },
            replica.Environment);
    }

    [Theory]
    [InlineData("1", "4")]
    [InlineData("3", "2")]
    [InlineData("4", "1")]
    [InlineData("9", "1")]
    public void Replicas_free_to_move_share_the_cores_evenly(string replicas, string processors)
    {
        var plan = ClusterPlan.Create(new() { Replicas = replicas, Pin = false }, Quad);

        Assert.All(plan.Replicas, replica =>
        {
            Assert.Null(replica.Core);
            Assert.DoesNotContain("Replica__Core", replica.Environment.Keys);
            Assert.Equal(processors, replica.Environment["DOTNET_PROCESSOR_COUNT"]);
            Assert.Equal(processors is "1", replica.Environment.ContainsKey("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"));
        });
    }

    [Fact]
    public void The_load_balancer_is_told_its_addresses_and_those_of_the_replicas()
    {
        var plan = ClusterPlan.Create(new() { Replicas = "2", Port = 9000, AdminPort = 9001, ReplicaPort = 9100, QueueLimit = 7, Name = "orders" }, Quad);

        Assert.Equal(
            new Dictionary<string, string>
            {
                ["Replica__Name"] = "loadbalancer",
                ["OTEL_SERVICE_NAME"] = "loadbalancer",
                ["OTEL_RESOURCE_ATTRIBUTES"] = "service.instance.id=loadbalancer,service.namespace=orders",
                ["Drain__Timeout"] = "10",
                ["LoadBalancer__Url"] = "http://localhost:9000",
                ["LoadBalancer__ComputeQueueLimit"] = "7",
                ["LoadBalancer__AdminUrl"] = "http://localhost:9001",
                ["ReverseProxy__Clusters__service__Destinations__replica-0__Address"] = "http://127.0.0.1:9100",
                ["ReverseProxy__Clusters__service__Destinations__replica-1__Address"] = "http://127.0.0.1:9101",
            },
            plan.LoadBalancer.Environment);
    }

    [Fact]
    public void Queue_limits_that_nobody_chose_are_left_to_the_configuration_of_those_who_have_the_queues()
    {
        var plan = ClusterPlan.Create(new(), Quad);

        Assert.DoesNotContain("LoadBalancer__ComputeQueueLimit", plan.LoadBalancer.Environment.Keys);
        Assert.All(plan.Replicas, replica => Assert.DoesNotContain("ComputeLane__QueueLimit", replica.Environment.Keys));
    }

    [Fact]
    public void Picked_ports_are_free_and_not_those_of_the_load_balancer()
    {
        // 1250 × 16 = 20000: the search starts at 20000 itself.
        var machine = Quad with { IsFree = port => port is not 20002 };

        var plan = ClusterPlan.Create(new() { Port = 1250, AdminPort = 20000 }, machine);

        Assert.Equal([20001, 20003, 20004, 20005], plan.Replicas.Select(replica => replica.Port));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8080)]
    [InlineData(65535)]
    public void Picked_ports_stay_below_those_the_system_gives_to_outgoing_connections(int port)
    {
        var plan = ClusterPlan.Create(new() { Port = port, Replicas = "1000" }, Quad);

        Assert.All(plan.Replicas, replica => Assert.InRange(replica.Port, 20000, 29999));
        Assert.Distinct(plan.Replicas.Select(replica => replica.Port));
    }

    public static TheoryData<ClusterOptions, string> Mistakes => new()
    {
        { new() { Replicas = "abc" }, "--replicas (Cluster:Replicas) must be auto or a number from 1 to 1024, not 'abc'." },
        { new() { Replicas = "0" }, "--replicas (Cluster:Replicas) must be auto or a number from 1 to 1024, not '0'." },
        { new() { Replicas = "-1" }, "--replicas (Cluster:Replicas) must be auto or a number from 1 to 1024, not '-1'." },
        { new() { Replicas = "" }, "--replicas (Cluster:Replicas) must be auto or a number from 1 to 1024, not ''." },
        { new() { Replicas = "1025" }, "--replicas (Cluster:Replicas) must be auto or a number from 1 to 1024, not '1025'." },
        { new() { Port = 0 }, "--port (Cluster:Port) must be from 1 to 65535, not '0'." },
        { new() { Port = 70000 }, "--port (Cluster:Port) must be from 1 to 65535, not '70000'." },
        { new() { AdminPort = -1 }, "--admin-port (Cluster:AdminPort) must be from 1 to 65535, not '-1'." },
        { new() { Port = 9000, AdminPort = 9000 }, "--admin-port (Cluster:AdminPort) must be another port than --port (Cluster:Port), not '9000'." },
        { new() { ReplicaPort = -5 }, "--replica-port (Cluster:ReplicaPort) must be from 1 to 65535, or 0 to pick free ports, not '-5'." },
        { new() { ReplicaPort = 65533 }, "--replica-port (Cluster:ReplicaPort) must leave 4 ports for the replicas, up to 65535 and apart from 8080 and 8081, not '65533'." },
        { new() { ReplicaPort = 8078 }, "--replica-port (Cluster:ReplicaPort) must leave 4 ports for the replicas, up to 65535 and apart from 8080 and 8081, not '8078'." },
        { new() { QueueLimit = -1 }, "--queue-limit (Cluster:QueueLimit) must be from 0 to 1000000, not '-1'." },
        { new() { Memory = "5m" }, "--memory (Cluster:Memory) must be a number of bytes from 6m on, with k, m or g behind it, such as 256m, not '5m'." },
        { new() { DrainTimeout = -1 }, "--drain-timeout (Cluster:DrainTimeout) must be from 0 to 3600 seconds, not '-1'." },
        { new() { DrainTimeout = double.NaN }, "--drain-timeout (Cluster:DrainTimeout) must be from 0 to 3600 seconds, not 'NaN'." },
        { new() { Name = "My Service" }, "--name (Cluster:Name) must be at most 40 lower-case letters, digits and dashes and start with a letter, not 'My Service'." },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Mistakes_are_said_in_one_sentence(ClusterOptions options, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<ClusterException>(() => ClusterPlan.Create(options, Quad)).Message);

    [Fact]
    public void A_machine_without_free_ports_is_said_in_one_sentence()
    {
        var exception = Assert.Throws<ClusterException>(() => ClusterPlan.Create(new(), Quad with { IsFree = port => port is 20007 }));

        Assert.Equal("4 replicas need as many free ports, and from 20000 to 29999 there are only 1: choose others by --replica-port (Cluster:ReplicaPort).", exception.Message);
    }
}
