namespace ClusterAspire.AppHost.Tests;

/// <summary>Waits for what happens in its own time; a minute and a half is for ever.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Forever = TimeSpan.FromSeconds(90);

    /// <summary>Returns the first value that is as wanted.</summary>
    public static async Task<T> BecomesAsync<T>(Func<Task<T>> look, Predicate<T> wanted, string what)
    {
        for (var limit = DateTime.UtcNow + Forever; ; await Task.Delay(50, TestContext.Current.CancellationToken))
        {
            var seen = await look();
            if (wanted(seen))
            {
                return seen;
            }

            Assert.True(DateTime.UtcNow < limit, $"It never came to this: {what}; last seen: {seen}.");
        }
    }

    public static Task IsTrueAsync(Func<bool> condition, string what) =>
        BecomesAsync(() => Task.FromResult(condition()), seen => seen, what);

    public static Task<T> InTimeAsync<T>(Task<T> task) => task.WaitAsync(Forever, TestContext.Current.CancellationToken);

    public static Task InTimeAsync(Task task) => task.WaitAsync(Forever, TestContext.Current.CancellationToken);
}
