using ClusterAspire.Orchestration.Containers;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

public sealed class SourceHashTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusteraspire-hash-").FullName;

    public SourceHashTests()
    {
        Write("Dockerfile", "FROM scratch");
        Write(".dockerignore", "*\n!global.json\n!src\n**/bin\n");
        Write("global.json", "{}");
        Write("src/Service/Program.cs", "one");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("Dockerfile")]
    [InlineData(".dockerignore")]
    [InlineData("global.json")]
    [InlineData("src/Service/Program.cs")]
    [InlineData("src/Service/New.cs")]
    public void What_the_builder_sees_counts(string file)
    {
        var before = Hash();

        Write(file, "*\n!global.json\n!src\n# two\n");

        Assert.NotEqual(before, Hash());
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("tests/Test.cs")]
    [InlineData("src/Service/bin/Service.dll")]
    [InlineData("src/Service/obj/project.assets.json")]
    public void What_the_builder_does_not_see_does_not_count(string file)
    {
        var before = Hash();

        Write(file, "two");

        Assert.Equal(before, Hash());
    }

    [Fact]
    public void A_renamed_file_counts()
    {
        var before = Hash();

        File.Move(Path.Combine(_folder, "src/Service/Program.cs"), Path.Combine(_folder, "src/Service/Main.cs"));

        Assert.NotEqual(before, Hash());
    }

    [Fact]
    public void Arguments_count() =>
        Assert.NotEqual(Hash(), SourceHash.Of(_folder, [new("SDK_IMAGE", "another")]));

    [Fact]
    public void Without_a_list_of_exceptions_every_file_counts()
    {
        Write(".dockerignore", "**/bin\n");
        var before = Hash();

        Write("lib/Library.cs", "two");

        Assert.NotEqual(before, Hash());
    }

    private string Hash() => SourceHash.Of(_folder, []);

    private void Write(string file, string content)
    {
        var path = Path.Combine(_folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
