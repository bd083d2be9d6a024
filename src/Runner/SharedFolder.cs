using ClusterAspire.Contract;
using ClusterAspire.Orchestration.Options;

namespace ClusterAspire.Runner;

/// <summary>What the replicas of a service have in common on this machine, whatever build of it they run: keys, and who leads.</summary>
internal static class SharedFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static string Data => Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);

    /// <summary>Tells the replicas where it is, unless the user does, or there is no place for it.</summary>
    /// <param name="options">The service's.</param>
    /// <param name="isOneOfSeveral">Whether the runner runs others beside it.</param>
    public static void PutInto(ClusterOptions options, bool isOneOfSeveral)
    {
        // A unit of systemd has a folder of its own.
        var folder = Environment.GetEnvironmentVariable("STATE_DIRECTORY") is { Length: > 0 } unit ? Path.Combine(unit.Split(':')[0], isOneOfSeveral ? options.Name : "")
            : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } ? Path.Combine(Data, "clusteraspire", options.Name)
            : null;
        try
        {
            if (folder is not null)
            {
                var keys = Path.Combine(folder, "keys");
                _ = OperatingSystem.IsWindows() ? Directory.CreateDirectory(keys) : Directory.CreateDirectory(keys, OwnerOnly);
                options.Environment.TryAdd(Variables.KeyDirectory, keys);
                options.Environment.TryAdd(Variables.LeaderFile, Path.Combine(folder, $"{options.Port}.leader"));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The home folder is read-only: replicas run without a shared folder.
        }
    }
}
