using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>The clients' connections that are open.</summary>
internal sealed class OpenConnections
{
    private readonly ConcurrentDictionary<Entry, bool> _open = new();
    private volatile bool _areClosing;

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _open.IsEmpty;

    /// <summary>Whether each is to end as soon as its client loses nothing by it.</summary>
    public bool AreClosing => _areClosing;

    /// <summary>Adds one, until what is returned is disposed.</summary>
    public Entry Add(ConnectionContext connection) => new(this, connection);

    /// <summary>
    /// Ends them gently: those of HTTP/2 are told to (GOAWAY, RFC 9113, 6.8); those of HTTP/1.1 end with their next response,
    /// as a request may be on its way on any of them.
    /// </summary>
    public void Close()
    {
        _areClosing = true;
        foreach (var entry in _open.Keys)
        {
            entry.CloseIfHttp2();
        }
    }

    /// <summary>An open connection.</summary>
    internal sealed class Entry : IDisposable
    {
        private readonly OpenConnections _all;
        private readonly ConnectionContext _connection;
        private volatile bool _isHttp2;

        public Entry(OpenConnections all, ConnectionContext connection)
        {
            (_all, _connection) = (all, connection);
            all._open.TryAdd(this, true);
        }

        /// <summary>It speaks HTTP/2.</summary>
        public void BecomesHttp2()
        {
            _isHttp2 = true;
            if (_all.AreClosing)
            {
                CloseIfHttp2();
            }
        }

        public void CloseIfHttp2()
        {
            if (_isHttp2)
            {
                _connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            }
        }

        public void Dispose() => _all._open.TryRemove(this, out _);
    }
}
