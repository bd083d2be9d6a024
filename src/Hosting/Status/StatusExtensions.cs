using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace ClusterAspire.Hosting.Status;

/// <summary>Adds what the dashboard shows of a service and of its replicas.</summary>
internal static class StatusExtensions
{
    public static IResourceBuilder<ReplicatedService> WithStatus(this IResourceBuilder<ReplicatedService> service)
    {
        service.ApplicationBuilder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ReplicaLatencies>());
        return service.OnInitializeResource(ReplicatedServiceStatus.KeepAsync);
    }
}
