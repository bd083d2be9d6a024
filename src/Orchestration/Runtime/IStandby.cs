namespace ClusterAspire.Orchestration.Runtime;

/// <summary>A run that has been started and waits.</summary>
public interface IStandby : IInstance
{
    /// <summary>Tells it to serve; does not wait for that.</summary>
    Task ServeAsync();
}
