using ClusterAspire.LoadBalancer;
using ClusterAspire.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddLoadBalancer();

var app = builder.Build();
app.MapAdmin();
app.MapLoadBalancer();

return await app.RunOrExplainAsync();
