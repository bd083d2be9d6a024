return await ClusterAspire.LoadBalancer.LoadBalancerProgram.RunAsync(args);
