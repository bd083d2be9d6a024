using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace ClusterAspire.LoadBalancer.Listening;

/// <summary>The clients' connections that are open.</summary>
internal sealed class OpenConnections : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<IOpenConnection, bool> _open = new();
    private readonly Timer _timer;
    private volatile bool _areClosing;

    /// <summary>Begins to tell them each second that passes.</summary>
    public OpenConnections() => _timer = new(static all => ((OpenConnections)all!).Beat(), this, Interval, Interval);

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _open.IsEmpty;

    /// <summary>Whether each is to end as soon as its client loses nothing by it.</summary>
    public bool AreClosing => _areClosing;

    /// <summary>Adds one of Kestrel's, until what is returned is disposed.</summary>
    public Entry Add(ConnectionContext connection) => new(this, connection);

    /// <summary>Adds one.</summary>
    public void Add(IOpenConnection connection) => _open.TryAdd(connection, true);

    /// <summary>One has ended.</summary>
    public void Remove(IOpenConnection connection) => _open.TryRemove(connection, out _);

    /// <summary>
    /// Ends them gently: those of HTTP/2 are told to (GOAWAY, RFC 9113, 6.8); those of HTTP/1.1 end with their next response,
    /// as a request may be on its way on any of them.
    /// </summary>
    public void Close()
    {
        _areClosing = true;
        foreach (var (connection, _) in _open)
        {
            connection.HandOver();
        }
    }

    /// <summary>Ends those that wait for a request, and each of the others with its response.</summary>
    public void Stop()
    {
        foreach (var (connection, _) in _open)
        {
            connection.Stop();
        }
    }

    /// <summary>Ends those that are not Kestrel's at once.</summary>
    public void Abort()
    {
        foreach (var (connection, _) in _open)
        {
            connection.Abort();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Beat()
    {
        foreach (var (connection, _) in _open)
        {
            connection.Beat();
        }
    }

    /// <summary>An open connection of Kestrel's, which has its own beat.</summary>
    internal sealed class Entry : IOpenConnection, IDisposable
    {
        private readonly OpenConnections _all;
        private readonly ConnectionContext _connection;
        private volatile bool _isHttp2;

        public Entry(OpenConnections all, ConnectionContext connection)
        {
            (_all, _connection) = (all, connection);
            all.Add(this);
        }

        /// <summary>It speaks HTTP/2.</summary>
        public void BecomesHttp2()
        {
            _isHttp2 = true;
            if (_all.AreClosing)
            {
                HandOver();
            }
        }

        public void HandOver()
        {
            if (_isHttp2)
            {
                Stop();
            }
        }

        public void Stop() => _connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();

        public void Abort()
        {
            // Kestrel does.
        }

        public void Beat()
        {
        }

        public void Dispose() => _all.Remove(this);
    }
}

/// <summary>A client's connection that is open.</summary>
internal interface IOpenConnection
{
    /// <summary>It is to end as soon as its client loses nothing by it.</summary>
    void HandOver();

    /// <summary>It is to end: at once while it waits for a request, else with its response.</summary>
    void Stop();

    /// <summary>It is to end at once.</summary>
    void Abort();

    /// <summary>A second has passed.</summary>
    void Beat();
}
