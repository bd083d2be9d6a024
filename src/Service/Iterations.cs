using System.Globalization;
using System.Runtime.CompilerServices;

namespace ClusterAspire.Service;

/// <summary>How often a slow request spins, from <c>?iterations=N</c>.</summary>
/// <param name="Count">From 1 to 20 000 000 000.</param>
internal sealed record Iterations(long Count)
{
    private const long Default = 5_000_000_000;
    private const long Most = 20_000_000_000;

    // About a millisecond: often enough to stop promptly, seldom enough to cost nothing.
    private const long BetweenChecks = 1 << 20;

    /// <summary>Reads the query; null when it is not one whole number in bounds.</summary>
    public static ValueTask<Iterations?> BindAsync(HttpContext context) => ValueTask.FromResult(
        !context.Request.Query.TryGetValue("iterations", out var given) ? new Iterations(Default)
        : given.Count == 1 && long.TryParse(given[0], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= Most ? new Iterations(count)
        : null);

    /// <summary>Answers 400 before the request waits for a thread.</summary>
    public static ValueTask<object?> RejectOutOfBounds(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        context.GetArgument<Iterations?>(0) is null
            ? ValueTask.FromResult<object?>(TypedResults.Problem(
                title: "iterations is out of bounds",
                detail: $"iterations must be one whole number from 1 to {Most}.",
                statusCode: StatusCodes.Status400BadRequest))
            : next(context);

    /// <summary>Burns CPU.</summary>
    /// <exception cref="OperationCanceledException">The client left, or the host shuts down.</exception>
    public void Spin(CancellationToken aborted)
    {
        var mixed = 0L;
        for (var done = 0L; done < Count; done += BetweenChecks)
        {
            aborted.ThrowIfCancellationRequested();
            mixed = Mix(mixed, done, Math.Min(done + BetweenChecks, Count));
        }

        GC.KeepAlive(mixed);
    }

    // Each iteration needs the one before and the result is used, so the compiler can neither drop nor shorten the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static long Mix(long mixed, long from, long to)
    {
        for (var i = from; i < to; i++)
        {
            mixed ^= i;
        }

        return mixed;
    }
}
