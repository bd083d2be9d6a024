using System.Runtime.CompilerServices;
using Xunit;

namespace ClusterAspire.Tests;

/// <summary>Waits for a condition, and fails a test in which it does not become true within <see cref="Limit"/>.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a test waits at most. No machine is so busy that it takes longer.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(90);

    /// <summary>Returns the first value that is as wanted.</summary>
    public static async Task<T> BecomesAsync<T>(Func<Task<T>> look, Predicate<T> wanted, string what)
    {
        for (var limit = DateTime.UtcNow + Limit; ; await Task.Delay(Interval, TestContext.Current.CancellationToken))
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

    /// <summary>Waits until a server that may not listen yet answers as wanted.</summary>
    public static Task AnswersAsync(Func<Task<bool>> request, [CallerArgumentExpression(nameof(request))] string what = "") =>
        IsTrueAsync(
            async () =>
            {
                try
                {
                    return await request();
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            what);

    public static Task<T> InTimeAsync<T>(Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task InTimeAsync(Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);
}
