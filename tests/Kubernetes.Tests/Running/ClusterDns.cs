using System.Net;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>A cluster's DNS: one headless Service whose name resolves to the pods that are ready.</summary>
internal sealed class ClusterDns : IDisposable
{
    private static readonly DomainName Name = DomainName.Parse("service.clusteraspire.svc.cluster.local");

    private readonly DnsServer _server;
    private readonly Lock _lock = new();
    private IReadOnlyList<IPAddress> _addresses = [];
    private (IReadOnlyList<IPAddress> Addresses, DateTime Until) _cached;

    public ClusterDns(IPAddress address)
    {
        IPEndPoint endpoint = new(address, 53);
        _server = new(new UdpServerTransport(endpoint), new TcpServerTransport(endpoint));
        _server.QueryReceived += (_, query) =>
        {
            query.Response = Answer((DnsMessage)query.Query);
            return Task.CompletedTask;
        };
        _server.Start();
    }

    /// <summary>While true, every query is answered SERVFAIL.</summary>
    public bool Fails { get; set; }

    /// <summary>
    /// For how long an answer is given again: not at all, as kubeadm sets CoreDNS up, or 30 s, as Kubernetes' own add-on and
    /// NodeLocal DNSCache do.
    /// </summary>
    public TimeSpan Cache { get; set; }

    /// <summary>How many queries there were.</summary>
    public int Queries { get; private set; }

    /// <summary>Says which pods are ready; with none the name does not exist, as CoreDNS has it.</summary>
    public void Publish(params IEnumerable<Pod> pods)
    {
        lock (_lock)
        {
            _addresses = [.. pods.Select(pod => pod.Address)];
        }
    }

    /// <summary>Makes the cache take what is published now, and keep it for as long as it does: the worst time for a change.</summary>
    public void Refresh()
    {
        lock (_lock)
        {
            _cached = (_addresses, DateTime.UtcNow + Cache);
        }
    }

    public void Dispose() => _server.Stop();

    private DnsMessage Answer(DnsMessage query)
    {
        Queries++;
        var response = query.CreateResponseInstance();
        var question = query.Questions[0];
        if (Fails)
        {
            response.ReturnCode = ReturnCode.ServerFailure;
        }
        else if (!question.Name.Equals(Name) || Addresses() is not { Count: > 0 } addresses)
        {
            response.ReturnCode = ReturnCode.NxDomain;
        }
        else if (question.RecordType is RecordType.A)
        {
            var ttl = Math.Max(5, (int)Cache.TotalSeconds);
            response.AnswerRecords.AddRange(addresses.Select(address => new ARecord(question.Name, ttl, address)));
        }

        return response;
    }

    private IReadOnlyList<IPAddress> Addresses()
    {
        lock (_lock)
        {
            if (DateTime.UtcNow >= _cached.Until)
            {
                Refresh();
            }

            return _cached.Addresses;
        }
    }
}
