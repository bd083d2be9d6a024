using System.Runtime.CompilerServices;
using Xunit;

namespace ClusterAspire.Tests;

/// <summary>The limit of a loop: it ends a test whose loop has not ended within <see cref="Eventually.Limit"/>.</summary>
internal sealed class Deadline([CallerMemberName] string test = "")
{
    private readonly DateTime _end = DateTime.UtcNow + Eventually.Limit;

    /// <summary>Fails the test when the limit has passed.</summary>
    public void Check() => Assert.True(DateTime.UtcNow < _end, $"A loop of {test} has not ended in time.");
}
