using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using ClusterAspire.Orchestration.Containers;
using Xunit;

namespace ClusterAspire.Orchestration.Tests;

/// <summary>With loopback in the place of the containers' bridge.</summary>
public sealed class TelemetryRelayTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connections_that_break_and_a_collector_that_is_away_do_not_end_it()
    {
        var loopback = NetworkInterface.GetAllNetworkInterfaces().SelectMany(network => network.GetIPProperties().UnicastAddresses)
            .First(address => address.Address.Equals(IPAddress.Loopback));
        await using var relay = new TelemetryRelay(loopback);
        var collector = FreePort.Next();
        var reachable = relay.Reachable(new($"http://127.0.0.1:{collector}"));
        Assert.NotEqual(collector, reachable.Port);
        for (var i = 0; i < 100; i++)
        {
            using var broken = new TcpClient { LingerState = new(true, 0) };
            await broken.ConnectAsync(IPAddress.Loopback, reachable.Port, Cancel);
        }

        using var listener = new TcpListener(IPAddress.Loopback, collector);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, reachable.Port, Cancel);
        await client.GetStream().WriteAsync("spans"u8.ToArray(), Cancel);

        Assert.Equal("spans", await Eventually.InTimeAsync(FirstWordsAsync(listener)));
    }

    [Fact]
    public async Task A_bridge_that_is_gone_costs_telemetry_and_nothing_else()
    {
        await using var relay = new TelemetryRelay(new Gone());
        var endpoint = new Uri("http://127.0.0.1:4317");

        Assert.Equal(endpoint, relay.Reachable(endpoint));
    }

    // What the broken ones' relays have connected comes first, and says nothing.
    private static async Task<string> FirstWordsAsync(TcpListener collector)
    {
        while (true)
        {
            using var relayed = await collector.AcceptTcpClientAsync(Cancel);
            var received = new byte[5];
            if (await relayed.GetStream().ReadAtLeastAsync(received, received.Length, throwOnEndOfStream: false, Cancel) == received.Length)
            {
                return Encoding.ASCII.GetString(received);
            }
        }
    }

    // An address of nobody's (RFC 5737).
    private sealed class Gone : UnicastIPAddressInformation
    {
        public override IPAddress Address { get; } = IPAddress.Parse("192.0.2.1");

        public override IPAddress IPv4Mask { get; } = IPAddress.Parse("255.255.255.0");

        public override int PrefixLength => 24;

        public override bool IsDnsEligible => false;

        public override bool IsTransient => false;

        public override long AddressPreferredLifetime => 0;

        public override long AddressValidLifetime => 0;

        public override long DhcpLeaseLifetime => 0;

        public override DuplicateAddressDetectionState DuplicateAddressDetectionState => DuplicateAddressDetectionState.Invalid;

        public override PrefixOrigin PrefixOrigin => PrefixOrigin.Other;

        public override SuffixOrigin SuffixOrigin => SuffixOrigin.Other;
    }
}
