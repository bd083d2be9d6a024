var builder = DistributedApplication.CreateBuilder(args);

// A replica of the service for each core …
var service = builder.AddReplicatedProject<Projects.Service>("service");

// … behind a load balancer that knows which cores are busy.
builder.AddLoadBalancer<Projects.LoadBalancer>("loadbalancer")
    .WithReference(service)
    .WaitFor(service);

builder.Build().Run();
