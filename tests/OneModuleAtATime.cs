using Xunit;

[assembly: AssemblyFixture(typeof(ClusterAspire.Tests.OneModuleAtATime))]

namespace ClusterAspire.Tests;

/// <summary>
/// Lets one test module run at a time on this machine. <c>dotnet test</c> starts several at once, and a cluster that saturates
/// every core on purpose, at the lowest priority, gets nothing done beside an image build.
/// </summary>
public sealed class OneModuleAtATime : IAsyncLifetime
{
    private static readonly string Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "clusteraspire-tests.lock");
    // Longer than all modules take together.
    private static readonly TimeSpan Limit = TimeSpan.FromHours(1);

    private FileStream? _lock;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        for (var limit = DateTime.UtcNow + Limit; _lock is null;)
        {
            try
            {
                // The operating system lets go of it when the process ends, however it ends.
                _lock = new FileStream(Path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                if (DateTime.UtcNow > limit)
                {
                    throw new TimeoutException($"Another test module has held {Path} for {Limit.TotalMinutes} minutes.");
                }

                await Task.Delay(200);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _lock?.DisposeAsync() ?? default;
}
