using System.Security.Cryptography;
using System.Text;

namespace ClusterAspire.Orchestration.Containers;

/// <summary>One short name for everything an image is built from.</summary>
internal static class SourceHash
{
    private static readonly string[] Outputs = ["bin", "obj"];

    /// <summary>Hashes what the builder gets to see of a folder, and the arguments it gets with it.</summary>
    /// <param name="folder">The build's context, with Dockerfile and .dockerignore.</param>
    /// <param name="arguments">The build's arguments.</param>
    /// <returns>Twelve hexadecimal digits, which change with every file and argument.</returns>
    public static string Of(string folder, IEnumerable<KeyValuePair<string, string>> arguments)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, value) in arguments)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}={value}\n"));
        }

        foreach (var file in Files(folder).Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{Path.GetRelativePath(folder, file).Replace('\\', '/')}\n"));
            hash.AppendData(SHA256.HashData(File.ReadAllBytes(file)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    // A .dockerignore that excludes everything lists the exceptions. With any other, the whole folder counts.
    private static IEnumerable<string> Files(string folder)
    {
        var ignore = Path.Combine(folder, ".dockerignore");
        var lines = File.Exists(ignore) ? File.ReadAllLines(ignore) : [];
        string[] exceptions = lines.Contains("*") && !lines.Any(line => line.StartsWith('!') && line.Contains('*'))
            ? [.. lines.Where(line => line.StartsWith('!')).Select(line => line[1..].Trim('/', ' ')), "Dockerfile", ".dockerignore"]
            : ["."];
        return exceptions.Distinct().Select(exception => Path.GetFullPath(exception, folder)).SelectMany(path =>
            Directory.Exists(path) ? Walk(path) : File.Exists(path) ? [path] : []);
    }

    private static IEnumerable<string> Walk(string folder) =>
        Directory.EnumerateFiles(folder).Concat(Directory.EnumerateDirectories(folder)
            .Where(child => Path.GetFileName(child) is var name && !Outputs.Contains(name) && name is not ".git")
            .SelectMany(Walk));
}
