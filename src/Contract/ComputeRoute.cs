namespace ClusterAspire.Contract;

/// <summary>A route whose requests occupy a core, as its replica names it.</summary>
/// <param name="Method">The HTTP method, or null for every method.</param>
/// <param name="Pattern">The route's pattern, such as <c>/report/{id}</c>.</param>
public sealed record ComputeRoute(string? Method, string Pattern);
