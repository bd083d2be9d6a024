using ClusterAspire.Replica.Identity;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Keys;

/// <summary>
/// Lets replicas read each other's cookies and tokens: the keys of ASP.NET Core's data protection are in a folder that they share, and
/// a new build in another folder counts as the same application. Settings of the application itself override these.
/// </summary>
internal static class SharedKeys
{
    /// <summary>Adds it; without <see cref="ReplicaOptions.KeyDirectory"/> nothing changes, nor in an application that protects no data.</summary>
    public static void AddSharedKeys(this IServiceCollection services)
    {
        services.AddOptions<DataProtectionOptions>().PostConfigure<IOptions<ReplicaOptions>>((protection, replica) =>
            protection.ApplicationDiscriminator ??= replica.Value.KeyDirectory);
        services.AddOptions<KeyManagementOptions>().PostConfigure<IOptions<ReplicaOptions>, ILoggerFactory>((keys, replica, loggers) =>
        {
            if (replica.Value.KeyDirectory is { } directory)
            {
                keys.XmlRepository ??= new FileSystemXmlRepository(new DirectoryInfo(directory), loggers);
            }
        });
    }
}
