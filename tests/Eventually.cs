using System.Runtime.CompilerServices;
using Xunit;

namespace ClusterAspire.Tests;

/// <summary>Waits for what happens in its own time, and ends a test in which it never does.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>For ever, even on a busy machine.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(90);

    /// <summary>Returns the first value that is as wanted.</summary>
    public static async Task<T> BecomesAsync<T>(Func<Task<T>> look, Predicate<T> wanted, string what)
    {
        for (var limit = DateTime.UtcNow + Patience; ; await Task.Delay(Interval, TestContext.Current.CancellationToken))
        {
            var seen = await look();
            if (wanted(seen))
            {
                return seen;
            }

            Assert.True(DateTime.UtcNow < limit, $"It never came to this: {what}; last seen: {seen}.");
        }
    }

    public static Task IsTrueAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        IsTrueAsync(() => Task.FromResult(condition()), what);

    public static Task IsTrueAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        BecomesAsync(condition, seen => seen, what);

    public static Task<T> InTimeAsync<T>(Task<T> task) => task.WaitAsync(Patience, TestContext.Current.CancellationToken);

    public static Task InTimeAsync(Task task) => task.WaitAsync(Patience, TestContext.Current.CancellationToken);
}
