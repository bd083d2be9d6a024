using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>What replicas answer, byte for byte, and what is to become of it.</summary>
public static class ResponseCases
{
    /// <summary>Responses that a client could read otherwise than the balancer does: 502 (RFC 9112, 2.2, 4, 5 and 6).</summary>
    public static TheoryData<string> Refused() =>
    [
        // Lines.
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "HTTP/1.1 200 OK\r\nX: y\nEvil: z\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nX: y\rEvil: z\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok", "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok",
        // The status line.
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "<html></html>\r\n\r\n", "\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 -20 X\r\n\r\n", "HTTP/1.1 +20 X\r\n\r\n", "\0\r\n\r\n",
        // Fields.
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nno field\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nX: a\x01\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX(: a\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\n\xff: a\r\nContent-Length: 2\r\n\r\nok",
        // Framing.
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y", "HTTP/1.1 200",
    ];

    /// <summary>Responses, and the body that the client gets.</summary>
    public static TheoryData<string, string> Passed() => new()
    {
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "" },
        { "HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok", "ok" },
        { "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1;a=b\r\no\r\n01\r\nk\r\n000\r\nX: y\r\n\r\n", "ok" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok" },
        { "HTTP/1.1 200 OK\r\n\r\nok", "ok" },
        { "HTTP/1.0 200 OK\r\n\r\nok", "ok" },
        { "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 204 No Content\r\n\r\n", "" },
        { "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "" },
        { "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "" },
        { "HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello", "" },
        { "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 5\r\n\r\n", "" },
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "no" },
        { "HTTP/1.1 500 Odd\r\nContent-Length: 2\r\n\r\nno", "no" },
        { "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok", "ok" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEvil", "ok" },
        { $"HTTP/1.1 200 OK\r\nX: {new string('y', 30_000)}\r\nContent-Length: 2\r\n\r\nok", "ok" },
    };
}
