using Xunit;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>Waits for what has to become true; long, because machines are busy.</summary>
internal static class Eventually
{
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    public static async Task TrueAsync(Func<Task<bool>> condition, Func<string> otherwise)
    {
        using CancellationTokenSource limit = new(Patience);
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, otherwise());
            await Task.Delay(50);
        }
    }
}
