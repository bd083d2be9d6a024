namespace ClusterAspire.Bench;

/// <summary>A replica's process.</summary>
/// <param name="Name">What it says in <c>X-Replica</c>.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Serves">Whether it takes requests.</param>
internal sealed record Worker(string Name, int Pid, bool Serves = true);
