using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace ClusterAspire.Replica.Lane;

/// <summary>
/// Buffers what a handler on the lane writes to the response, so that it does not wait for the client, and sends it from the thread
/// pool.
/// </summary>
/// <remarks>What the client has not read yet is kept in memory.</remarks>
internal sealed class DetachedResponse : IAsyncDisposable
{
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 0, resumeWriterThreshold: 0, useSynchronizationContext: false));
    private readonly HttpContext _context;
    private readonly IHttpResponseBodyFeature _body;
    private readonly Body _detached;

    private DetachedResponse(HttpContext context)
    {
        _context = context;
        _body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        _detached = new(this);
        context.Features.Set<IHttpResponseBodyFeature>(_detached);
    }

    /// <summary>Detaches a response until the result is disposed, which waits for the client.</summary>
    public static DetachedResponse Of(HttpContext context) => new(context);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _pipe.Writer.CompleteAsync();
        _context.Features.Set(_body);
        await _detached.Sending;
    }

    private async Task SendAsync()
    {
        try
        {
            await _pipe.Reader.CopyToAsync(_body.Writer, _context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client left. The handler's token reports it.
        }
        finally
        {
            await _pipe.Reader.CompleteAsync();
        }
    }

    private sealed class Body(DetachedResponse response) : IHttpResponseBodyFeature
    {
        private readonly Lazy<Stream> _stream = new(() => response._pipe.Writer.AsStream(leaveOpen: true));
        private readonly Lazy<Task> _sending = new(() => Task.Run(response.SendAsync));

        public Task Sending => _sending.IsValueCreated ? _sending.Value : Task.CompletedTask;

        public Stream Stream
        {
            get
            {
                _ = _sending.Value;
                return _stream.Value;
            }
        }

        public PipeWriter Writer
        {
            get
            {
                _ = _sending.Value;
                return response._pipe.Writer;
            }
        }

        public void DisableBuffering() => response._body.DisableBuffering();

        public Task StartAsync(CancellationToken cancellationToken = default) => response._body.StartAsync(cancellationToken);

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
            SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);

        public async Task CompleteAsync()
        {
            await response._pipe.Writer.CompleteAsync();
            await Sending;
            await response._body.CompleteAsync();
        }
    }
}
