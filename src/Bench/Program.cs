Console.WriteLine("ClusterAspire");
