using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

// What is held is that of the whole process.
[CollectionDefinition(nameof(LargeTests), DisableParallelization = true)]
[Collection(nameof(LargeTests))]
public sealed class LargeTests
{
    private const long Length = 1L << 30;
    private const int BlockLength = 64 * 1024;

    // Client, balancer and replica are in this process: what each may buffer, and what the collector leaves lying about.
    private const long Most = 256L << 20;

    [Fact]
    public async Task A_gibibyte_goes_up_and_comes_down_and_is_never_held()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var most = 0L;
        await using var upstream = await UpstreamServer.StartAsync("replica-0", ServeAsync);
        await using var balancer = await Balancer.StartAsync([upstream]);

        using var request = new HttpRequestMessage(HttpMethod.Post, "/x") { Content = new StreamContent(new Counting(Length), BlockLength) };
        request.Content.Headers.ContentLength = Length;
        using var taken = await balancer.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal($"{Length}", await taken.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        using var response = await balancer.Client.GetAsync("/x", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        Assert.Equal(Length, await ReadAsync(body));
        Assert.True(most < Most, $"{most} bytes were held.");

        async Task ServeAsync(HttpContext context)
        {
            if (HttpMethods.IsGet(context.Request.Method))
            {
                context.Response.ContentLength = Length;
                await new Counting(Length).CopyToAsync(context.Response.Body, BlockLength, context.RequestAborted);
                return;
            }

            context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
            await context.Response.WriteAsync($"{await ReadAsync(context.Request.Body)}");
        }

        async Task<long> ReadAsync(Stream body)
        {
            var (buffer, sum, looks) = (new byte[BlockLength], 0L, 0);
            for (int read; (read = await body.ReadAsync(buffer, TestContext.Current.CancellationToken)) > 0; sum += read)
            {
                if (++looks % 1024 == 0)
                {
                    most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: false) - before);
                }

                Assert.Equal(Counting.At(sum), buffer[0]);
                Assert.Equal(Counting.At(sum + read - 1), buffer[read - 1]);
            }

            return sum;
        }
    }

    /// <summary>Bytes that tell where they are.</summary>
    private sealed class Counting(long length) : Stream
    {
        public static byte At(long position) => (byte)((position >> 16) ^ position);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, length - Position);
            for (var i = 0; i < read; i++)
            {
                buffer[offset + i] = At(Position + i);
            }

            Position += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
