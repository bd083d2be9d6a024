namespace ClusterAspire.Runner.Tests;

/// <summary>A control group whose cores can be taken away while something runs in it.</summary>
internal sealed class Cpuset : IDisposable
{
    // Version 1, and version 2 where the controller is given to groups below the root.
    private static readonly string[] Roots = ["/sys/fs/cgroup/cpuset", "/sys/fs/cgroup"];

    private readonly string _folder;

    public Cpuset()
    {
        Requires.Linux();
        Assert.SkipUnless(Environment.UserName is "root", "Only root makes control groups.");
        var root = Array.Find(Roots, root => File.Exists(Path.Combine(root, "cpuset.cpus")) || Enables(root));
        Assert.SkipWhen(root is null, "No control group here can be given cores.");
        Cores = [.. Orchestration.Plan.Machine.Current.Cores];
        Assert.SkipUnless(Cores.Count >= 2, "It takes two cores to take one away.");
        _folder = Path.Combine(root!, $"clusteraspire-{Guid.NewGuid():n}");
        Directory.CreateDirectory(_folder);
        Allow([.. Cores]);
        File.WriteAllText(Path.Combine(_folder, "cpuset.mems"), "0");
    }

    /// <summary>The cores of this machine.</summary>
    public IReadOnlyList<int> Cores { get; }

    /// <summary>A command that enters the group and becomes the one that follows it.</summary>
    public string[] Enter => ["sh", "-c", $"echo $$ > {_folder}/cgroup.procs && exec \"$@\"", "sh"];

    /// <summary>Lets what is in the group use these cores only.</summary>
    public void Allow(params int[] cores) => File.WriteAllText(Path.Combine(_folder, "cpuset.cpus"), string.Join(',', cores));

    public void Dispose()
    {
        try
        {
            Directory.Delete(_folder);
        }
        catch (IOException)
        {
            // Something in it is ending still; it stays behind, empty.
        }
    }

    private static bool Enables(string root) =>
        File.Exists(Path.Combine(root, "cgroup.subtree_control")) && File.ReadAllText(Path.Combine(root, "cgroup.subtree_control")).Contains("cpuset", StringComparison.Ordinal);
}
