using System.Net;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>A response's content, read from its connection.</summary>
internal sealed class ResponseContent : HttpContent
{
    /// <summary>Where it is read from.</summary>
    public Stream Stream { get; set; } = Stream.Null;

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult(Stream);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        Stream.CopyToAsync(stream);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        Stream.CopyToAsync(stream, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Stream.Dispose();
        }

        base.Dispose(disposing);
    }
}
