using System.Collections.Concurrent;
using ClusterAspire.Orchestration.Containers;
using ClusterAspire.Orchestration.Options;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

/// <summary>Images of a few bytes, built by the engine of this machine.</summary>
public sealed class ServiceImageTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusteraspire-image-").FullName;
    private readonly string _tag = $"clusteraspire-test/{Guid.NewGuid():n}:1";
    private readonly ConcurrentQueue<string> _progress = new();
    private ContainerEngine _engine = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        try
        {
            _engine = await ContainerEngine.FindAsync(EngineKind.Auto, Cancelled);
        }
        catch (ClusterException e)
        {
            Requires.That(false, e.Message);
        }

        File.WriteAllText(Path.Combine(_folder, "Dockerfile"), "ARG BASE_IMAGE=scratch\nFROM scratch AS service\nCOPY source /\n");
        File.WriteAllText(Path.Combine(_folder, "source"), "one");
    }

    public async ValueTask DisposeAsync()
    {
        await (_engine?.TryRunAsync(["image", "rm", "--force", _tag], CancellationToken.None) ?? Task.FromResult<string?>(null));
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_image_is_found_as_long_as_its_source_is_the_same()
    {
        var image = Image();
        Assert.Null(await image.FindAsync(Cancelled));

        var id = await image.BuildAsync(_progress.Enqueue, Cancelled);

        Assert.NotEmpty(_progress);
        Assert.Equal(id, await Image().FindAsync(Cancelled));
        File.WriteAllText(Path.Combine(_folder, "source"), "two");
        Assert.Null(await Image().FindAsync(Cancelled));
        Assert.NotEqual(id, await Image().BuildAsync(_progress.Enqueue, Cancelled));
    }

    [Fact]
    public async Task Other_arguments_make_another_image()
    {
        var build = new BuildOptions();
        await Image(build).BuildAsync(_progress.Enqueue, Cancelled);

        build.Args["COLOR"] = "blue";

        Assert.Null(await Image(build).FindAsync(Cancelled));
    }

    [Fact]
    public async Task It_can_be_built_without_a_download_when_its_base_images_are_there_or_it_was_built_on_them_before()
    {
        var build = new BuildOptions { Args = { ["BASE_IMAGE"] = "clusteraspire-test/nowhere:1" } };
        Assert.Contains("--runtime container builds it", await Image(build).WhyNotBuildableAsync(Cancelled), StringComparison.Ordinal);

        await Image(build).BuildAsync(_progress.Enqueue, Cancelled);
        File.WriteAllText(Path.Combine(_folder, "source"), "two");

        Assert.Null(await Image(build).WhyNotBuildableAsync(Cancelled));
        build.Args["BASE_IMAGE"] = "clusteraspire-test/elsewhere:1";
        Assert.NotNull(await Image(build).WhyNotBuildableAsync(Cancelled));
        build.Args["BASE_IMAGE"] = _tag;
        Assert.Null(await Image(build).WhyNotBuildableAsync(Cancelled));
    }

    [Fact]
    public async Task A_failed_build_says_what_failed()
    {
        File.AppendAllText(Path.Combine(_folder, "Dockerfile"), "COPY missing /\n");

        var failure = await Assert.ThrowsAsync<ClusterException>(() => Image().BuildAsync(_progress.Enqueue, Cancelled));

        Assert.StartsWith("The service's image could not be built, ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("missing", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_named_image_is_taken_as_it_is_and_never_built()
    {
        var id = await Image().BuildAsync(_progress.Enqueue, Cancelled);
        File.WriteAllText(Path.Combine(_folder, "source"), "two");

        Assert.Equal(id, await Image(name: _tag).FindAsync(Cancelled));
        var failure = await Assert.ThrowsAsync<ClusterException>(() => Image(name: "clusteraspire-test/nowhere:1").FindAsync(Cancelled));
        Assert.Contains("has no image clusteraspire-test/nowhere:1: build or pull it", failure.Message, StringComparison.Ordinal);
    }

    private ServiceImage Image(BuildOptions? build = null, string? name = null) => new(_engine, name, _folder, build ?? new()) { BuiltName = _tag };
}
