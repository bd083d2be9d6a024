using ClusterAspire.Replica;
using ClusterAspire.Replica.Lane;

namespace ClusterAspire.Bench;

/// <inheritdoc cref="BenchServer.Allocating"/>
internal static class AllocatingServer
{
    // About 200 MB of small objects that point at each other: a collection has to visit them all.
    private const int Nodes = 4_000_000;
    private const int Replaced = 40_000_000;

    public static WebApplication Build(WebApplicationBuilder builder)
    {
        builder.AddReplica();
        var app = builder.Build();
        app.MapReplica();
        app.MapGet("/fast", () => "fast\n");
        app.MapGet("/slow", (CancellationToken aborted) => $"{Churn(aborted)}\n").RunsOnComputeLane();
        return app;
    }

    private static int Churn(CancellationToken aborted)
    {
        var random = new Random(1);
        var nodes = new Node[Nodes];
        for (var i = 0; i < Replaced; i++)
        {
            if (i % 100_000 == 0)
            {
                aborted.ThrowIfCancellationRequested();
            }

            nodes[random.Next(Nodes)] = new Node(nodes[random.Next(Nodes)]);
            if (i % 50 == 0)
            {
                // Chains stay short, so that replaced objects can be collected.
                nodes[random.Next(Nodes)] = new Node(null);
            }
        }

        return nodes.Count(node => node is not null);
    }

    private sealed class Node(Node? next)
    {
        public Node? Next { get; } = next is { Next.Next.Next: not null } ? null : next;

        public long Value { get; } = Environment.TickCount64;
    }
}
