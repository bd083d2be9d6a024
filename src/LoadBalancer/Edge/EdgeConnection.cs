using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using ClusterAspire.LoadBalancer.Forwarding.Http1;
using ClusterAspire.LoadBalancer.Retry;
using ClusterAspire.LoadBalancer.Telemetry;
using ClusterAspire.LoadBalancer.Upstreams;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Yarp.ReverseProxy.Forwarder;

namespace ClusterAspire.LoadBalancer.Edge;

/// <summary>
/// A client's connection at the edge. It ends at a request that Kestrel must serve, which stays unread for Kestrel. So does a request
/// that a replica failed before it answered: Kestrel's and YARP's way decides about retries.
/// </summary>
internal sealed class EdgeConnection
{
    /// <summary>Why a connection is ended after <see cref="EdgeEnd.Broken"/>.</summary>
    public const string Incomplete = "The response is incomplete.";

    private readonly EdgeServer _edge;
    private readonly KestrelServerLimits _limits;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly byte[] _forwardedFor;
    private readonly string _scheme;
    private readonly bool _isForKestrel;
    private readonly Lock _lock = new();

    // Only while there is a request: an idle connection holds no buffers.
    private EdgeExchange? _exchange;

    // What it waits for, and since when (Environment.TickCount64, in ms).
    private Wait _wait;
    private long _waitsSince;
    private Http1Connection? _replica;
    private bool _isExpired;
    private bool _isGone;
    private bool _isClosing;
    private bool _isTimedOut;

    /// <summary>Takes a connection.</summary>
    /// <param name="edge">What all connections share.</param>
    /// <param name="limits">Kestrel's limits: they hold here too.</param>
    /// <param name="client">The client's address.</param>
    /// <param name="isEncrypted">Whether the client speaks TLS.</param>
    /// <param name="input">What the client sends.</param>
    /// <param name="output">What it is sent.</param>
    public EdgeConnection(EdgeServer edge, KestrelServerLimits limits, EndPoint? client, bool isEncrypted, PipeReader input, PipeWriter output)
    {
        (_edge, _limits, _input, _output) = (edge, limits, input, output);
        _forwardedFor = Encoding.ASCII.GetBytes((client as IPEndPoint)?.Address.ToString() ?? "");
        _scheme = isEncrypted ? "https" : "http";
        // ASP.NET Core's middleware sets these.
        _isForKestrel = isEncrypted ? edge.Options.HstsDays > 0 : edge.Options.HttpsRedirect;
    }

    private enum Wait
    {
        Nothing,
        Request,
        RestOfRequest,
        Replica,
    }

    private enum Outcome
    {
        Answered,
        AnsweredLast,
        Broken,
        HandedOn,
    }

    /// <summary>The try that Kestrel's and YARP's way is to go on from; null without one.</summary>
    public EdgeTry? Failed { get; private set; }

    private EdgeRequest Request => _exchange!.Request;

    private EdgeResponse Response => _exchange!.Response;

    /// <summary>Serves until the connection ends, or a request comes that is Kestrel's.</summary>
    public async Task<EdgeEnd> ServeAsync()
    {
        try
        {
            Begin(Wait.Request);
            while (true)
            {
                var read = await _input.ReadAsync();
                var buffer = read.Buffer;
                if (buffer.IsEmpty)
                {
                    _input.AdvanceTo(buffer.Start);
                    if (read.IsCompleted || IsOver())
                    {
                        return EdgeEnd.Ended;
                    }

                    continue;
                }

                _exchange ??= _edge.Exchanges.Get();
                var outcome = Outcome.HandedOn;
                switch (_edge.Route is not null && !_isForKestrel ? Read(buffer) : EdgeFinding.Odd)
                {
                    case EdgeFinding.Incomplete when !read.IsCompleted && !IsOver():
                        _input.AdvanceTo(buffer.Start, buffer.End);
                        if (_wait is not Wait.RestOfRequest)
                        {
                            Begin(Wait.RestOfRequest);
                        }

                        continue;
                    case EdgeFinding.Plain when TryBegin(_edge.Route!, buffer):
                        outcome = End(await ExchangeAsync());
                        if (outcome is Outcome.Broken && !_isGone)
                        {
                            // Sends the part of the response that there is. The client sees that it is incomplete.
                            await _output.FlushAsync();
                        }

                        break;
                }

                if (outcome is Outcome.HandedOn)
                {
                    _input.AdvanceTo(buffer.Start);
                    return _isGone ? EdgeEnd.Ended : LeaveToKestrel();
                }

                _input.AdvanceTo(buffer.GetPosition(Request.Length));
                if (outcome is not Outcome.Answered)
                {
                    return outcome is Outcome.Broken ? EdgeEnd.Broken : EdgeEnd.Ended;
                }

                GiveBack();
                Begin(Wait.Request);
            }
        }
        catch (Exception exception) when (exception is IOException or ConnectionAbortedException)
        {
            // The client has gone.
            return EdgeEnd.Ended;
        }
        finally
        {
            GiveBack();
        }
    }

    /// <summary>Ends what has waited too long. To be called each second.</summary>
    public void Tick()
    {
        lock (_lock)
        {
            var waited = TimeSpan.FromMilliseconds(Environment.TickCount64 - Volatile.Read(ref _waitsSince));
            switch (_wait)
            {
                case Wait.Request when waited > _limits.KeepAliveTimeout:
                case Wait.RestOfRequest when waited > _limits.RequestHeadersTimeout:
                    _isExpired = true;
                    _input.CancelPendingRead();
                    break;
                case Wait.Replica when waited > (_edge.Route?.ActivityTimeout ?? TimeSpan.MaxValue):
                    _isTimedOut = true;
                    _replica?.Dispose();
                    break;
            }
        }
    }

    /// <summary>The client has gone.</summary>
    public void Gone()
    {
        lock (_lock)
        {
            _isGone = true;
            _replica?.Dispose();
        }
    }

    /// <summary>The connection is to end as soon as the client loses nothing by it.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosing = true;
            if (_wait is Wait.Request or Wait.RestOfRequest)
            {
                _input.CancelPendingRead();
            }
        }
    }

    private void GiveBack()
    {
        if (_exchange is { } exchange)
        {
            _exchange = null;
            _edge.Exchanges.Return(exchange);
        }
    }

    private EdgeFinding Read(in ReadOnlySequence<byte> buffer)
    {
        var isTraced = BalancerTraces.HaveListeners;
        var trusts = _edge.Options.TrustedProxies.Count > 0;
        var longestBody = Math.Min(_edge.Options.BodyMemory, _edge.Options.MaxRequestBodySize ?? long.MaxValue);
        if (buffer.IsSingleSegment)
        {
            return Request.Read(buffer.FirstSpan, longestBody, isTraced, trusts);
        }

        var length = (int)Math.Min(buffer.Length, EdgeRequest.LongestHead + longestBody);
        var copy = ArrayPool<byte>.Shared.Rent(length);
        buffer.Slice(0, length).CopyTo(copy);
        var finding = Request.Read(copy.AsSpan(0, length), longestBody, isTraced, trusts);
        ArrayPool<byte>.Shared.Return(copy);
        return finding;
    }

    // Whether the request is for a replica: then it is ready to be sent.
    private bool TryBegin(EdgeRoute route, in ReadOnlySequence<byte> buffer)
    {
        var target = RequestTarget.Of(route.Id, Request.Path, Request.Query);
        if (_isClosing || !_edge.Takes(route, Request, target) || _edge.Pick(route) is not var (replica, pool))
        {
            return false;
        }

        var outer = Activity.Current;
        var haveListeners = BalancerTraces.HaveListeners;
        ActivityContext parent = default;
        var hasParent = haveListeners && ActivityContext.TryParse(Request.TraceParent, Request.TraceState, isRemote: true, out parent);
        var isTraced = haveListeners && _edge.Sampler.MaySample(parent);
        var span = isTraced ? StartSpan(route, parent) : null;
        var trySpan = isTraced ? BalancerTraces.StartTry(Request.Method, Request.Path.ToString(), replica, 0) : null;
        if (haveListeners)
        {
            PassTraceOn(trySpan ?? span, hasParent);
        }

        FinishRequest(buffer);
        Response.Reset(isToHead: Request.Method is "HEAD");
        _isTimedOut = false;
        _exchange!.Begin(route, target, replica, pool, _edge.Time);
        (_exchange.Outer, _exchange.Span, _exchange.TrySpan) = (outer, span, trySpan);
        _edge.Server.Active(1, Request.Method, _scheme);
        replica.Begin();
        return true;
    }

    // The only step of a request that waits: each is garbage when many wait at a time. Returns the failure.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<Exception?> ExchangeAsync()
    {
        Http1Connection? upstream = null;
        try
        {
            upstream = await _exchange!.Pool.TakeAsync(CancellationToken.None);
            Begin(Wait.Replica, upstream);
            await upstream.SendAsync(Request.Written.WrittenMemory);
            do
            {
                ReadOnlyMemory<byte> head;
                while (!upstream.TryReadHead(out head))
                {
                    upstream.Received(await upstream.ReceiveAsync());
                }

                Response.ReadHead(head);
            }
            while (Response.IsInterim);

            Response.RespondedAt = _edge.Time.GetTimestamp();
            if (Response.IsRefusal && IsTriedElsewhere(_exchange.Replica, _exchange.Route))
            {
                upstream.Dispose();
                return null;
            }

            Response.WriteHead(_edge.Options.ReplicaHeader ? _exchange.Replica.Name : null, Request.Closes || _isClosing);
            await Response.CopyBodyAsync(upstream, _output, this);
            return null;
        }
        catch (Exception exception)
        {
            upstream?.Dispose();
            var failure = upstream?.Explain(exception) ?? exception;
            return failure is IOException or HttpRequestException or SocketException or ObjectDisposedException or OperationCanceledException ? failure : throw failure;
        }
    }

    private Outcome End(Exception? failure)
    {
        var (route, replica, started) = (_exchange!.Route, _exchange.Replica, _exchange.Started);
        _isGone |= failure is ClientGoneException;

        // Kestrel counts a request that has begun: it ends here, or continues there.
        _edge.Server.Active(-1, Request.Method, _scheme);
        replica.End();
        Begin(Wait.Nothing);
        var now = _edge.Time.GetTimestamp();
        if (Response.RespondedAt != 0)
        {
            _edge.Reports.Responded(route.Cluster, replica, started, failure is null ? now : Response.RespondedAt);
        }

        var ended = Response.RespondedAt != 0 && !Response.HasLength ? Response.RespondedAt : now;
        var duration = _edge.Time.GetElapsedTime(started, ended);
        var error = failure is null || _isGone ? null : Error(failure);
        if (error is not null)
        {
            _edge.Reports.Failed(error, route.Cluster, replica, _exchange.Target, _exchange.Run, started, Response.HasStarted);
        }

        if (!Response.HasStarted && !_isGone && (error is not null || Response.IsRefusal))
        {
            _edge.Metrics.Answered(replica, Request.Method, error is null ? Response.Status : Status(error), route.Pattern, duration);
            var tries = new Tries(_edge.Retries, route.Cluster, Request.IsSafe, null);
            tries.Fail(replica.Destination, error?.Kind() ?? TryFailure.Refused);
            Failed = new EdgeTry(tries, replica, error, _exchange.StartedAt);
            // The spans are made there, of one request.
            Activity.Current = _exchange.Outer;
            return Outcome.HandedOn;
        }

        Record(route, replica, _exchange.Target, duration, _edge.Time.GetElapsedTime(started), error);
        _exchange.TrySpan?.EndTry(Response.Status, error);
        _exchange.TrySpan?.Dispose();
        EndSpan(_exchange.Span, route);
        return failure is not null ? Outcome.Broken : Response.Closes ? Outcome.AnsweredLast : Outcome.Answered;
    }

    /// <summary>Bytes of the response have come.</summary>
    public void Progressed() => Volatile.Write(ref _waitsSince, Environment.TickCount64);

    // A 503 with Retry-After counts as a failed try if another replica may be tried.
    private bool IsTriedElsewhere(Upstream replica, EdgeRoute route) =>
        Request.IsSafe && _edge.Options.RetryLimit > 0 && route.Cluster.DestinationsState.AvailableDestinations.Any(other => other != replica.Destination);

    private void PassTraceOn(Activity? span, bool hasParent)
    {
        if (span is not null)
        {
            DistributedContextPropagator.Current.Inject(span, Request, static (request, name, value) => ((EdgeRequest)request!).Add(Encoding.ASCII.GetBytes(name), value));
            return;
        }

        if (!hasParent)
        {
            // Else the replica would decide for itself, and trace the request alone.
            Span<byte> unsampled = stackalloc byte[BalancerTraces.TraceParentLength];
            BalancerTraces.WriteUnsampled(unsampled);
            Request.Add("traceparent"u8, unsampled);
            return;
        }

        Request.Add("traceparent"u8, Request.TraceParent!);
        if (Request.TraceState is { } state)
        {
            Request.Add("tracestate"u8, state);
        }
    }

    private void FinishRequest(in ReadOnlySequence<byte> buffer)
    {
        if (_forwardedFor.Length > 0)
        {
            Request.Add("X-Forwarded-For"u8, _forwardedFor);
        }

        Request.Add("X-Forwarded-Proto"u8, _scheme is "http" ? "http"u8 : "https"u8);
        if (Request.BodyLength == 0)
        {
            Request.Finish(default);
        }
        else
        {
            Request.Finish(buffer.Slice(Request.Length - Request.BodyLength, Request.BodyLength).ToArray());
        }
    }

    private void Record(EdgeRoute route, Upstream replica, RequestTarget target, TimeSpan duration, TimeSpan total, EdgeError? error)
    {
        var status = Response.HasStarted ? Response.Status : StatusCodes.Status499ClientClosedRequest;
        _edge.Metrics.Answered(replica, Request.Method, status, route.Pattern, duration);
        _edge.Server.Answered(Request.Method, _scheme, route.Pattern, status, total);
        if (error is null && !_isGone)
        {
            replica.Light.Record(duration);
            _edge.Answered(target);
        }
    }

    private Activity? StartSpan(EdgeRoute route, ActivityContext parent)
    {
        var span = BalancerTraces.StartRequest(Request.Method, route.Pattern, parent);
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("http.request.method", Request.Method)
                .SetTag("url.scheme", _scheme)
                .SetTag("url.path", Request.Path.ToString())
                .SetTag("server.address", Request.Host.Split(':')[0])
                .SetTag("network.protocol.version", "1.1")
                .SetTag("user_agent.original", Request.UserAgent);
        }

        return span;
    }

    private void EndSpan(Activity? span, EdgeRoute route)
    {
        if (span is { IsAllDataRequested: true })
        {
            span.SetTag("http.route", route.Pattern).SetTag("http.response.status_code", Response.Status);
            if (Response.Status >= 500)
            {
                span.SetTag("error.type", Response.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)).SetStatus(ActivityStatusCode.Error);
            }
        }

        span?.Dispose();
    }

    private EdgeError Error(Exception failure) => new(
        _isTimedOut ? ForwarderError.RequestTimedOut : Response.HasStarted ? ForwarderError.ResponseBodyDestination : ForwarderError.Request, failure);

    private static int Status(EdgeError error) => error.Error is ForwarderError.RequestTimedOut || error.Kind() is TryFailure.Gone ? StatusCodes.Status504GatewayTimeout : StatusCodes.Status502BadGateway;

    private void Begin(Wait wait, Http1Connection? replica = null)
    {
        lock (_lock)
        {
            (_wait, _replica) = (wait, replica);
            Volatile.Write(ref _waitsSince, Environment.TickCount64);
            if (_isGone)
            {
                replica?.Dispose();
            }
        }
    }

    private bool IsOver()
    {
        lock (_lock)
        {
            return _isExpired || _isClosing || _isGone;
        }
    }

    // Ends pending operations of the edge before Kestrel takes the connection over.
    private EdgeEnd LeaveToKestrel()
    {
        Begin(Wait.Nothing);
        if (!_isClosing && _input.TryRead(out var read))
        {
            _input.AdvanceTo(read.Buffer.Start);
        }

        return EdgeEnd.LeftToKestrel;
    }
}

/// <summary>How a connection ended at the edge.</summary>
internal enum EdgeEnd
{
    /// <summary>Nothing more is to be sent.</summary>
    Ended,

    /// <summary>In the middle of a response: the client must see that it is incomplete.</summary>
    Broken,

    /// <summary>Kestrel is to go on: there is a request for it, unread.</summary>
    LeftToKestrel,
}
