namespace ClusterAspire.Runner.Programs;

/// <summary>Where a path leads once every symbolic link in it is followed.</summary>
internal static class RealPath
{
    // The limit of Linux.
    private const int MostLinks = 40;

    /// <summary>Follows the links of a path that exists.</summary>
    /// <remarks>
    /// A release is deployed by switching a link to its folder. What runs goes on from the folder it was started in, and does
    /// not load half of it from the next one.
    /// </remarks>
    public static string Of(string path)
    {
        var rest = new Stack<string>(Parts(Path.GetFullPath(path)).Reverse());
        var real = Path.GetPathRoot(Path.GetFullPath(path))!;
        for (var links = 0; rest.TryPop(out var part);)
        {
            if (part is "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }

            var next = Path.Combine(real, part);
            if (links < MostLinks && new DirectoryInfo(next).LinkTarget is { } target)
            {
                links++;
                real = Path.IsPathRooted(target) ? Path.GetPathRoot(target)! : real;
                foreach (var piece in Parts(target).Reverse())
                {
                    rest.Push(piece);
                }
            }
            else
            {
                real = next;
            }
        }

        return real;
    }

    private static IEnumerable<string> Parts(string path) =>
        path[Path.GetPathRoot(path)!.Length..].Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Where(part => part is not ".");
}
