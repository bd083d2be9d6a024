namespace ClusterAspire.LoadBalancer.Forwarding;

/// <summary>How the balancer uses its sockets, towards clients and replicas: many short messages, nothing that blocks.</summary>
internal static class SocketExtensions
{
    // Read by .NET when the first socket is used.
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Sets the sockets of this process up; before the first is used. What the user's environment says stays.</summary>
    public static void AddSockets(this IServiceCollection services)
    {
        // Nothing here blocks, so the thread that received data may also process it.
        if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
        {
            Environment.SetEnvironmentVariable(InlineCompletions, "1");
        }
    }
}
