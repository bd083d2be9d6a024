namespace ClusterAspire.Orchestration.Building;

/// <summary>Why a build failed.</summary>
public enum BuildFailureCause
{
    /// <summary>None of the others.</summary>
    Other,

    /// <summary>The code does not compile.</summary>
    Code,

    /// <summary>The code compiles, but not by Native AOT.</summary>
    NativeAot,

    /// <summary>There is no C toolchain, with which Native AOT links.</summary>
    Toolchain,

    /// <summary>NuGet packages could not be fetched.</summary>
    Packages,

    /// <summary>A base image could not be had.</summary>
    BaseImage,
}
