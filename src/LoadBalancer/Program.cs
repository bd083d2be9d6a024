using ClusterAspire.LoadBalancer;
using ClusterAspire.LoadBalancer.Admin;
using ClusterAspire.LoadBalancer.Live;
using ClusterAspire.Replica;
using ClusterAspire.Replica.Startup;

// Its settings and the live page's files are beside it, whatever directory it is started in.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.AddReplica();
builder.AddLoadBalancer();
builder.AddLivePage();

return await builder.RunOrExplainAsync(app =>
{
    app.UseExceptionHandler();
    app.MapAdmin();
    app.MapLivePage();
    app.MapLoadBalancer();
});
