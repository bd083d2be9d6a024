namespace ClusterAspire.ServiceDefaults.Tests;

internal static class Eventually
{
    /// <summary>Waits until it is so; the limit is there to end a test that will never pass, not to measure.</summary>
    public static async Task IsTrue(Func<bool> condition)
    {
        for (var i = 0; i < 6000 && !condition(); i++)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.True(condition());
    }
}
