using ClusterAspire.Orchestration.Building;
using ClusterAspire.Orchestration.Containers;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

/// <summary>The lines are what builders write: Docker's of old, BuildKit and Podman.</summary>
public sealed class BuildFailureTests
{
    [Theory]
    [InlineData("pull access denied for example/sdk, repository does not exist or may require 'docker login': denied: requested access to the resource is denied")]
    [InlineData("Get \"https://registry.example.com/v2/\": dial tcp: lookup registry.example.com on 127.0.0.53:53: no such host")]
    [InlineData("ERROR: failed to solve: example/sdk:1: failed to resolve source metadata for docker.io/example/sdk:1: failed to do request: Head \"https://registry.example.com/v2/\": EOF")]
    [InlineData("Error: creating build container: initializing source docker://example/sdk:1: pinging container registry registry.example.com: Get \"https://registry.example.com/v2/\": EOF")]
    public void A_base_image_that_cannot_be_pulled(string line) =>
        AssertExplained("as a base image could not be had: check the connection to its registry, or name others than example/sdk:1 by Cluster:Build:Args.", line, line);

    [Theory]
    [InlineData("/source/src/Service/Program.cs(3,1): error CS0103: The name 'x' does not exist in the current context [/source/src/Service/Service.csproj]")]
    [InlineData("#18 4.512 /source/src/Service/Program.cs(3,1): error CS0103: The name 'x' does not exist in the current context [/source/src/Service/Service.csproj]")]
    public void Code_that_does_not_compile(string line) =>
        AssertExplained("as its code does not compile there", "/source/src/Service/Program.cs(3,1): error CS0103: The name 'x'", line, "The command '/bin/sh -c dotnet publish' returned a non-zero code: 1");

    [Fact]
    public void Code_that_cannot_be_compiled_ahead_of_time() =>
        AssertExplained(
            "as the service is not ready for Native AOT: make it so, or set Cluster:Build:Args:PUBLISH to managed.",
            "error IL2026",
            "#18 9.1 /source/src/Service/Program.cs(9): error IL2026: Using member 'X' which has 'RequiresUnreferencedCodeAttribute' [/source/src/Service/Service.csproj]",
            "#18 ERROR: process \"/bin/sh -c dotnet publish\" did not complete successfully: exit code: 1");

    [Theory]
    [InlineData("/packages/build/Microsoft.NETCore.Native.Unix.targets(316,5): error : Platform linker ('clang' or 'gcc') not found in PATH. Ensure you have all the required prerequisites documented at https://aka.ms/nativeaot-prerequisites. [/source/src/Service/Service.csproj]")]
    [InlineData("/usr/bin/ld.bfd: cannot find Scrt1.o: No such file or directory")]
    public void A_C_toolchain_that_is_missing(string line) =>
        AssertExplained("as its SDK image has no C toolchain", line, line, "/packages/build/Microsoft.NETCore.Native.targets(410,5): error MSB3073: The command exited with code 1.");

    [Fact]
    public void A_feed_that_cannot_be_reached() =>
        AssertExplained(
            "as its packages could not be fetched",
            "error NU1301",
            "/source/src/Service/Service.csproj : error NU1301: Unable to load the service index for source https://feed.example.com/index.json.",
            "The command '/bin/sh -c dotnet restore' returned a non-zero code: 1");

    [Fact]
    public void Anything_else_is_quoted() =>
        AssertExplained("see the output above", "COPY failed: no source files were specified", "Step 3/4 : COPY missing .", "COPY failed: no source files were specified", "");

    private static void AssertExplained(string advice, string quoted, params string[] lines)
    {
        var failure = new BuildFailure();
        foreach (var line in lines)
        {
            failure.AddLine(line);
        }

        var sentence = ServiceImage.Explain(failure, "example/sdk:1");
        Assert.Contains(advice, sentence, StringComparison.Ordinal);
        Assert.Contains(quoted, sentence[sentence.IndexOf("The builder said: ", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }
}
