using System.Runtime.CompilerServices;
using Xunit;

namespace ClusterAspire.Tests;

/// <summary>Waits for a condition, and fails a test in which it does not become true within <see cref="Limit"/>, or within a limit that the test gives.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a test waits at most. No machine is so busy that it takes longer.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(90);

    /// <summary>Returns the first value that is as wanted.</summary>
    public static async Task<T> BecomesAsync<T>(Func<Task<T>> look, Predicate<T> wanted, string what, TimeSpan? limit = null)
    {
        for (var end = DateTime.UtcNow + (limit ?? Limit); ; await Task.Delay(Interval, TestContext.Current.CancellationToken))
        {
            var seen = await look();
            if (wanted(seen))
            {
                return seen;
            }

            Assert.True(DateTime.UtcNow < end, $"It never came to this: {what}; last seen: {seen}.");
        }
    }

    public static Task IsTrueAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "", TimeSpan? limit = null) =>
        IsTrueAsync(() => Task.FromResult(condition()), what, limit);

    public static Task IsTrueAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "", TimeSpan? limit = null) =>
        BecomesAsync(condition, seen => seen, what, limit);

    /// <summary>Waits until a server that may not listen yet answers as wanted.</summary>
    public static Task AnswersAsync(Func<Task<bool>> request, [CallerArgumentExpression(nameof(request))] string what = "", TimeSpan? limit = null) =>
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
            what,
            limit);

    public static Task<T> InTimeAsync<T>(Task<T> task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);

    public static Task InTimeAsync(Task task) => task.WaitAsync(Limit, TestContext.Current.CancellationToken);
}
