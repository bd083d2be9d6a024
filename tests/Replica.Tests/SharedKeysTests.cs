using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace ClusterAspire.Replica.Tests;

public sealed class SharedKeysTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusteraspire-keys-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_one_replica_protects_another_of_the_next_build_reads()
    {
        await using var first = await StartAsync(_folder);
        await using var next = await StartAsync(_folder);
        var secret = Protector(first).Protect("a session");

        Assert.Equal("a session", Protector(next).Unprotect(secret));
        Assert.Single(Directory.GetFiles(_folder, "key-*.xml"));
    }

    [Fact]
    public async Task What_the_application_says_itself_wins()
    {
        var own = Directory.CreateDirectory(Path.Combine(_folder, "own"));
        await using var application = await TestApplication.StartAsync(
            _ => { },
            new() { ["Replica:KeyDirectory"] = _folder },
            builder => builder.Services.AddDataProtection().PersistKeysToFileSystem(own).SetApplicationName("shop"));
        await using var other = await StartAsync(_folder);
        var secret = Protector(application).Protect("a session");

        Assert.Single(own.GetFiles("key-*.xml"));
        Assert.Throws<CryptographicException>(() => Protector(other).Unprotect(secret));
    }

    private static IDataProtector Protector(TestApplication application) => application.Get<IDataProtectionProvider>().CreateProtector("test");

    private static Task<TestApplication> StartAsync(string folder) =>
        TestApplication.StartAsync(_ => { }, new() { ["Replica:KeyDirectory"] = folder }, builder => builder.Services.AddDataProtection());
}
