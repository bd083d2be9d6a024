using System.IO.Pipelines;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>An input and an output.</summary>
internal sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    /// <inheritdoc/>
    public PipeReader Input => input;

    /// <inheritdoc/>
    public PipeWriter Output => output;
}
