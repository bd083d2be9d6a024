using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Text;
using ClusterAspire.LoadBalancer.Tls;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Tls;

/// <summary>A client's TLS, and what the server reads of it.</summary>
public sealed class DecryptedInputTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SslProtocols.Tls12, 1)]
    [InlineData(SslProtocols.Tls12, 7000)]
    [InlineData(SslProtocols.Tls13, 1)]
    [InlineData(SslProtocols.Tls13, 7000)]
    [InlineData(SslProtocols.Tls13, 100_000)]
    public async Task What_comes_in_pieces_of_any_size_is_read_whole(SslProtocols protocol, int piece)
    {
        await using var pair = await Pair.ConnectAsync(protocol, piece);
        foreach (var length in (int[])[1, 100, (16 * 1024) - 1, 16 * 1024, (16 * 1024) + 1, 70_000])
        {
            var bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            var sending = pair.Client.WriteAsync(bytes, Cancelled);

            var read = await Eventually.InTimeAsync(pair.Input.ReadAtLeastAsync(length, Cancelled).AsTask());
            Assert.Equal(bytes, read.Buffer.ToArray());
            pair.Input.AdvanceTo(read.Buffer.End);
            await sending;
        }
    }

    [Fact]
    public async Task Several_records_that_come_at_once_are_all_read()
    {
        await using var pair = await Pair.ConnectAsync();
        var sent = new StringBuilder();
        for (var i = 0; i < 100; i++)
        {
            sent.Append(i);
            await pair.Client.WriteAsync(Encoding.ASCII.GetBytes($"{i}"), Cancelled);
        }

        var read = await Eventually.InTimeAsync(pair.Input.ReadAtLeastAsync(sent.Length, Cancelled).AsTask());
        Assert.Equal(sent.ToString(), Encoding.ASCII.GetString(read.Buffer));
    }

    [Fact]
    public async Task What_was_examined_is_returned_again_with_more_and_what_was_not_at_once()
    {
        await using var pair = await Pair.ConnectAsync();
        await pair.Client.WriteAsync("one"u8.ToArray(), Cancelled);
        var read = await pair.Input.ReadAsync(Cancelled);
        pair.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);

        var waiting = pair.Input.ReadAsync(Cancelled).AsTask();
        Assert.False(waiting.IsCompleted);
        await pair.Client.WriteAsync("two"u8.ToArray(), Cancelled);
        read = await Eventually.InTimeAsync(waiting);
        Assert.Equal("onetwo", Encoding.ASCII.GetString(read.Buffer));

        pair.Input.AdvanceTo(read.Buffer.GetPosition(3));
        Assert.True(pair.Input.TryRead(out read));
        Assert.Equal("two", Encoding.ASCII.GetString(read.Buffer));
    }

    [Fact]
    public async Task A_read_that_is_cancelled_loses_nothing()
    {
        await using var pair = await Pair.ConnectAsync();
        for (var i = 0; i < 1000; i++)
        {
            var waiting = pair.Input.ReadAsync(Cancelled).AsTask();
            // At the same time, so that now one is first, now the other.
            var sending = Task.Run(() => pair.Client.WriteAsync("x"u8.ToArray(), Cancelled).AsTask(), Cancelled);
            pair.Input.CancelPendingRead();
            var read = await Eventually.InTimeAsync(waiting);
            while (read.Buffer.IsEmpty)
            {
                Assert.True(read.IsCanceled);
                pair.Input.AdvanceTo(read.Buffer.End);
                read = await Eventually.InTimeAsync(pair.Input.ReadAsync(Cancelled).AsTask());
            }

            Assert.Equal(1, read.Buffer.Length);
            pair.Input.AdvanceTo(read.Buffer.End);
            await sending;
            // Where the read was first, the next one is cancelled.
            if (pair.Input.TryRead(out read))
            {
                Assert.True(read.IsCanceled);
                pair.Input.AdvanceTo(read.Buffer.End);
            }
        }
    }

    [Fact]
    public async Task A_token_ends_the_wait_and_the_next_read_gets_what_comes()
    {
        await using var pair = await Pair.ConnectAsync();
        using var enough = new CancellationTokenSource();
        var waiting = pair.Input.ReadAsync(enough.Token).AsTask();
        await enough.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => Eventually.InTimeAsync(waiting));

        await pair.Client.WriteAsync("one"u8.ToArray(), Cancelled);
        Assert.Equal("one", Encoding.ASCII.GetString((await Eventually.InTimeAsync(pair.Input.ReadAsync(Cancelled).AsTask())).Buffer));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_is_the_end_for_every_read(bool isAnnounced)
    {
        await using var pair = await Pair.ConnectAsync();
        var waiting = pair.Input.ReadAsync(Cancelled).AsTask();
        if (isAnnounced)
        {
            await pair.Client.ShutdownAsync();
        }
        else
        {
            await pair.Sent.CompleteAsync();
        }

        for (var i = 0; i < 3; i++)
        {
            var read = await Eventually.InTimeAsync(i == 0 ? waiting : pair.Input.ReadAsync(Cancelled).AsTask());
            Assert.True(read.IsCompleted);
            pair.Input.AdvanceTo(read.Buffer.End);
        }
    }

    [Fact]
    public async Task A_connection_that_ends_while_somebody_reads_fails_the_read_alone()
    {
        await using var pair = await Pair.ConnectAsync();
        var waiting = pair.Input.ReadAsync(Cancelled).AsTask();
        await pair.Server.DisposeAsync();
        await pair.Client.WriteAsync("late"u8.ToArray(), Cancelled);

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Eventually.InTimeAsync(waiting));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pair.Input.ReadAsync(Cancelled).AsTask());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\x16GET")]
    [InlineData("\x17\x03\x03\xff\xff")]
    public async Task What_is_no_record_is_not_waited_for(string sent)
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(Encoding.Latin1.GetBytes(sent), Cancelled);

        var read = await Eventually.InTimeAsync(new TlsRecords(pipe.Reader).ReadAsync(Cancelled).AsTask());
        Assert.Equal(sent, Encoding.Latin1.GetString(read.Buffer));
    }

    [Fact]
    public async Task Who_decrypts_gets_a_record_only_when_it_is_whole_and_nothing_of_the_next()
    {
        var pipe = new Pipe();
        var records = new TlsRecords(pipe.Reader);
        var waiting = records.ReadAsync(Cancelled).AsTask();
        foreach (var value in (byte[])[23, 3, 3, 0, 3, 1, 2])
        {
            await pipe.Writer.WriteAsync(new[] { value }, Cancelled);
            Assert.False(waiting.IsCompleted);
        }

        await pipe.Writer.WriteAsync(new byte[] { 3, 23, 3 }, Cancelled);
        var read = await Eventually.InTimeAsync(waiting);
        Assert.Equal([23, 3, 3, 0, 3, 1, 2, 3], read.Buffer.ToArray());

        // Read in parts, it stays one record.
        records.AdvanceTo(read.Buffer.GetPosition(6));
        Assert.True(records.TryRead(out read));
        Assert.Equal([2, 3], read.Buffer.ToArray());
        records.AdvanceTo(read.Buffer.End);
        Assert.False(records.TryRead(out _));
    }

    private sealed class Pair : IAsyncDisposable
    {
        private Pair(SslStream client, SslStream server, DecryptedInput input, PipeWriter sent) => (Client, Server, Input, Sent) = (client, server, input, sent);

        public SslStream Client { get; }

        public SslStream Server { get; }

        public DecryptedInput Input { get; }

        /// <summary>What the client has sent.</summary>
        public PipeWriter Sent { get; }

        public static async Task<Pair> ConnectAsync(SslProtocols protocol = SslProtocols.Tls13, int piece = int.MaxValue)
        {
            using var certificate = LocalCertificate.Create();
            Pipe sent = new(), answered = new();
            var records = new TlsRecords(sent.Reader);
            var client = new SslStream(new Ends(answered.Reader, sent.Writer, piece), leaveInnerStreamOpen: false, (_, certificate, _, _) => LocalCertificate.Is(certificate));
            var server = new SslStream(new Ends(records, answered.Writer));
            await Task.WhenAll(
                client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = protocol }, Cancelled),
                server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, Cancelled));
            return new(client, server, new(records, server), sent.Writer);
        }

        public async ValueTask DisposeAsync()
        {
            await Input.CompleteAsync();
            await Client.DisposeAsync();
            await Server.DisposeAsync();
        }
    }

    /// <summary>What is read from and written to, in pieces of so many bytes at most.</summary>
    private sealed class Ends(PipeReader input, PipeWriter output, int piece = int.MaxValue) : Stream
    {
        private readonly Stream _input = input.AsStream();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get; set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _input.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (var start = 0; start < buffer.Length; start += Math.Min(piece, buffer.Length - start))
            {
                await output.WriteAsync(buffer.Slice(start, Math.Min(piece, buffer.Length - start)), cancellationToken);
            }
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
