using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Session;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterAspire.Replica.Health;

/// <summary>What this process keeps of a client between its requests, as far as its services tell.</summary>
internal sealed class ClientState(IServiceProvider services, IServiceProviderIsService registered)
{
    private readonly Lazy<IReadOnlyList<string>?> _kept = new(() => Find(services, registered) is [_, ..] kept ? kept : null);

    /// <summary>Its names, <see cref="Contract.ReplicaHealth.KeptOfClients"/>; null when there is none.</summary>
    public IReadOnlyList<string>? Kept => _kept.Value;

    private static List<string> Find(IServiceProvider services, IServiceProviderIsService registered)
    {
        List<string> kept = [];
        if (registered.IsService(typeof(ISessionStore)) && HasSessionsInMemory(services))
        {
            kept.Add("sessions");
        }

        if (registered.IsService(typeof(IHubProtocol)))
        {
            kept.Add("SignalR's connections");
        }

        return kept;
    }

    // A store of the application's own, or another cache, may be shared.
    private static bool HasSessionsInMemory(IServiceProvider services)
    {
        try
        {
            using var scope = services.CreateScope();
            return scope.ServiceProvider.GetService<IDistributedCache>() is MemoryDistributedCache && scope.ServiceProvider.GetService<ISessionStore>() is DistributedSessionStore;
        }
        catch (Exception)
        {
            // One that cannot be made fails the requests that use it. Probes do not.
            return false;
        }
    }
}
