using ClusterAspire.LoadBalancer;

return await LoadBalancerProgram.RunAsync(args);
