using System.Net;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;

namespace ClusterAspire.Kubernetes.Tests;

/// <summary>A cluster's DNS: one headless Service whose name resolves to the pods that are ready.</summary>
internal sealed class ClusterDns : IDisposable
{
    private static readonly DomainName Name = DomainName.Parse("service.clusteraspire.svc.cluster.local");

    private readonly DnsServer _server;
    private volatile IReadOnlyList<IPAddress> _addresses = [];

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

    /// <summary>How many queries there were.</summary>
    public int Queries { get; private set; }

    /// <summary>Says which pods are ready; with none the name does not exist, as CoreDNS has it.</summary>
    public void Publish(params IEnumerable<Pod> pods) => _addresses = [.. pods.Select(pod => pod.Address)];

    public void Dispose() => _server.Stop();

    private DnsMessage Answer(DnsMessage query)
    {
        Queries++;
        var response = query.CreateResponseInstance();
        var (question, addresses) = (query.Questions[0], _addresses);
        if (Fails)
        {
            response.ReturnCode = ReturnCode.ServerFailure;
        }
        else if (!question.Name.Equals(Name) || addresses.Count == 0)
        {
            response.ReturnCode = ReturnCode.NxDomain;
        }
        else if (question.RecordType is RecordType.A)
        {
            response.AnswerRecords.AddRange(addresses.Select(address => new ARecord(question.Name, 5, address)));
        }

        return response;
    }
}
