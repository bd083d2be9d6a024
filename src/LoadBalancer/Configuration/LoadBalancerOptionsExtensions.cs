using ClusterAspire.Contract;
using ClusterAspire.LoadBalancer.Discovery;
using ClusterAspire.LoadBalancer.Discovery.Kubernetes;

namespace ClusterAspire.LoadBalancer.Configuration;

/// <summary>Binds <see cref="LoadBalancerOptions"/> and says what is wrong with them.</summary>
internal static class LoadBalancerOptionsExtensions
{
    /// <summary>Adds the options, checked when the load balancer starts.</summary>
    public static void AddLoadBalancerOptions(this IServiceCollection services) =>
        services.AddOptions<LoadBalancerOptions>().Configure<IConfiguration>((options, configuration) =>
                configuration.WithAnyAddress().GetSection(LoadBalancerOptions.Section).Bind(options))
            .Validate(options => IsHttp(options.Url), "LoadBalancer:Url must be an address such as http://127.0.0.1:8080.")
            .Validate(options => IsHttp(options.AdminUrl), "LoadBalancer:AdminUrl must be an address such as http://127.0.0.1:8081.")
            .Validate(
                options => !IsHttp(options.Url) || !IsHttp(options.AdminUrl) || options.Url.Port != options.AdminUrl.Port,
                "LoadBalancer:Url and LoadBalancer:AdminUrl must have different ports.")
            .Validate(
                options => options.Listen.All(text => ListenAddress.TryParse(text, out _)),
                "LoadBalancer:Listen must be addresses such as http://*:80, https://*:443 or http://unix:/run/shop.sock.")
            .Validate(
                options => options.ListenAddresses.All(address => address.SocketPath is not null || address.Descriptor is not null || address.Port != options.AdminUrl.Port),
                "LoadBalancer:Listen and LoadBalancer:AdminUrl must have different ports.")
            .Validate(options => options.TrustedProxies.All(TrustedProxy.IsSound), "LoadBalancer:TrustedProxies must be IP addresses or networks such as 10.0.0.0/8.")
            .Validate(
                options => !options.HttpsRedirect || options.TrustedProxies.Count > 0 || options.ListenAddresses.Any(address => address.IsHttps),
                "LoadBalancer:HttpsRedirect needs an https:// address in LoadBalancer:Listen to send clients to.")
            .Validate(options => options.HstsDays is >= 0 and <= 3650, "LoadBalancer:HstsDays must be from 0 to 3650.")
            .Validate(options => options.ComputeQueueLimit is >= 0 and <= 1_000_000, "LoadBalancer:ComputeQueueLimit must be from 0 to 1000000.")
            .Validate(options => options.ComputeQueueTimeout is >= 0.001 and <= 86_400, "LoadBalancer:ComputeQueueTimeout must be from 0.001 to 86400 seconds.")
            .Validate(options => options.BodyMemory is >= 0 and <= 512 * 1024, "LoadBalancer:BodyMemory must be from 0 to 524288 bytes.")
            .Validate(options => Enum.IsDefined(options.ComputeBody), "LoadBalancer:ComputeBody must be spool or stream.")
            .Validate(options => options.ComputeBodyLimit >= options.BodyMemory, "LoadBalancer:ComputeBodyLimit must not be less than LoadBalancer:BodyMemory.")
            .Validate(options => options.RetryRatio is >= 0 and <= 1, "LoadBalancer:RetryRatio must be from 0 to 1.")
            .Validate(options => options.TracesPerSecond is >= 0 and <= 1_000_000, "LoadBalancer:TracesPerSecond must be from 0 to 1000000.")
            .Validate(options => options.RetryMinPerSecond is >= 0 and <= 1_000_000, "LoadBalancer:RetryMinPerSecond must be from 0 to 1000000.")
            .Validate(options => options.RetryLimit is >= 0 and <= 10, "LoadBalancer:RetryLimit must be from 0 to 10.")
            .Validate(options => Enum.IsDefined(options.Discovery), "LoadBalancer:Discovery must be static, dns, kubernetes or auto.")
            .Validate(
                options => options.Discovery is not DiscoveryKind.Kubernetes || ServiceAccount.IsMounted,
                $"LoadBalancer:Discovery=kubernetes needs a service account's token in {ServiceAccount.Directory}: mount one in the pod, or choose dns or auto.")
            .Validate(options => options.DiscoveryInterval is >= 0.1 and <= 3600, "LoadBalancer:DiscoveryInterval must be from 0.1 to 3600 seconds.")
            .Validate(options => options.MaxRequestBodySize is null or >= 0, "LoadBalancer:MaxRequestBodySize must be 0 bytes or more; leave it out for no limit.")
            .Validate(options => options.AdminToken is null or { Length: 0 or >= 16 }, "LoadBalancer:AdminToken must have 16 characters or more; leave it out to have one made.")
            .Validate(options => options.SendTimeout is >= 1 and <= 86_400, "LoadBalancer:SendTimeout must be from 1 to 86400 seconds.")
            .Validate(options => options.HalfCloseTimeout is >= 0 and <= 3600, "LoadBalancer:HalfCloseTimeout must be from 0 to 3600 seconds.")
            .ValidateOnStart();

    private static bool IsHttp(Uri? url) => url is { IsAbsoluteUri: true } && url.Scheme == Uri.UriSchemeHttp;
}
