namespace ClusterAspire.Contract;

/// <summary>What the metadata of a destination of YARP may say of it.</summary>
public static class DestinationMetadata
{
    /// <summary>The key of the replica's name, where the destination's own is another.</summary>
    public const string Name = "Name";

    /// <summary>The key that marks one that has been told to end: it finishes what it has.</summary>
    public const string Terminating = "Terminating";
}
