using System.Text;
using Xunit;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>Requests as they are, and what is to become of them; with the section of the RFC that says so.</summary>
public static class RequestCases
{
    private const string Next = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

    /// <summary>What is refused, with what follows it on the connection.</summary>
    public static TheoryData<string, string> Refused()
    {
        var cases = new TheoryData<string, string>();

        // RFC 9112, 6.1 and 7: the only coding that HTTP/1.1 servers share is chunked, once, last.
        string[] codings =
        [
            "gzip, chunked", "chunked, chunked", ", chunked", "chunked,", "identity", "identity, chunked", "chunked, identity", "gzip",
            "xchunked", "chunkedx", "\"chunked\"", "chunked;q=1", "chunk", "chunked\x0b", "", "chunked gzip", "deflate", "x-chunked", "'chunked'", "chunked\tgzip",
        ];
        foreach (var coding in codings)
        {
            cases.Add($"9112-6.1 Transfer-Encoding: {Shown(coding)}", $"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{Next}");
        }

        foreach (var (first, second) in new[] { ("chunked", "chunked"), ("identity", "chunked"), ("chunked", "identity"), ("gzip", "chunked"), ("chunked", "x") })
        {
            cases.Add($"9112-6.1 two Transfer-Encoding: {first}, {second}", $"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {first}\r\nTransfer-Encoding: {second}\r\n\r\n0\r\n\r\n{Next}");
        }

        foreach (var name in new[] { "Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING" })
        {
            cases.Add($"9112-6.1 HTTP/1.0 with {name}", $"POST /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n{name}: chunked\r\n\r\n0\r\n\r\n{Next}");
            cases.Add($"9112-6.1 {name} and Content-Length", $"POST /x HTTP/1.1\r\nHost: a\r\n{name}: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{Next}");
            cases.Add($"9112-6.1 Content-Length and {name}", $"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n{name}: chunked\r\n\r\n0\r\n\r\n{Next}");
        }

        // RFC 9110, 8.6: digits, once.
        string[] lengths = ["+5", "-0", "-5", "0x5", "5 5", "5,5", "5, 5", "5;", "5.0", "1e1", "", "five", "9223372036854775808", "99999999999999999999", "0x0", "+0", "\v5", "5\0", "'5'", "\"5\""];
        foreach (var length in lengths)
        {
            cases.Add($"9110-8.6 Content-Length: {Shown(length)}", $"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhello{Next}");
        }

        foreach (var (first, second) in new[] { ("5", "6"), ("5", "5"), ("0", "5"), ("5", "+5") })
        {
            cases.Add($"9112-6.3 two Content-Length: {first}, {second}", $"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {first}\r\nContent-Length: {second}\r\n\r\nhello{Next}");
        }

        // RFC 9112, 2.2: a line ends by CR and LF.
        string[] heads =
        [
            "GET /x HTTP/1.1\nHost: a\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\n\n", "GET /x HTTP/1.1\nHost: a\n\n",
            "GET /x HTTP/1.1\r\nHost: a\r\nX: y\nEvil: z\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nX: y\rEvil: z\r\n\r\n", "GET /x HTTP/1.1\rHost: a\r\r",
            "GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", "GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n",
        ];
        foreach (var head in heads)
        {
            cases.Add($"9112-2.2 {Shown(head)}", head + Next);
        }

        // RFC 9112, 7.1: chunks.
        string[] chunks =
        [
            "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n0\r\n\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhell\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5 5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
            "g\r\nhello\r\n0\r\n\r\n", "5;a=b\nhello\r\n0\r\n\r\n", "5;a\nb\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nX: y\n\r\n", "5\r\nhello\r\n0\r\nX: y\nZ: z\r\n\r\n",
            "5\r\nhello\r\n0\r\nX: y\rZ: z\r\n\r\n", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nno field\r\n\r\n", "5\rhello\r\n0\r\n\r\n",
        ];
        foreach (var chunk in chunks)
        {
            cases.Add($"9112-7.1 {Shown(chunk)}", $"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}{Next}");
        }

        // RFC 9112, 3 and 5: the request line, fields, Host.
        string[] others =
        [
            "GET /x HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a b\r\n\r\n", "GET /x HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET /x HTTP/1.2\r\nHost: a\r\n\r\n", "GET /x http/1.1\r\nHost: a\r\n\r\n", "GET /x\r\nHost: a\r\n\r\n", "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET x HTTP/1.1\r\nHost: a\r\n\r\n", " GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "G(T /x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\n X: y\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
            "GET /x HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n", "GET /x HTTP/1.1\r\n Host: a\r\n\r\n",
            "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
        ];
        foreach (var other in others)
        {
            cases.Add($"9112-3 {Shown(other)}", other + Next);
        }

        return cases;
    }

    /// <summary>Targets that arrive as they are sent (RFC 9112, 3.2).</summary>
    public static TheoryData<string> Targets() =>
    [
        "/", "/a", "/a/", "//a", "/a//b", "///", "/a%2Fb", "/a%2fb", "/a%252Fb", "/%41", "/%61%62", "/a%20b", "/a+b", "/%C3%A9", "/%c3%a9", "/%FF", "/x",
        "/a?b", "/a?", "/?", "/a?b=c&d=e", "/a?b=%20", "/a?b=+", "/a?b=%2F%3F", "/a?b=c?d", "/a?b[]=1", "/a?b={c}", "/a?b=|", "/a?b=\"c\"", "/a?b='c'", "/a?<b>", "/a?b=^`",
        "/a;b=c", "/a,b", "/a=b", "/a:b", "/a@b", "/a!$&'()*", "/~a", "/a_b-c.d", "/a/./b", "/a/../b", "/./a", "/a/..", "/a/%2e%2e/b", "/a/%2E/b", "/.hidden", "/a%5Cb", "/a%25",
        "/a?%", "/%7Ea", "/%21", "/a%3Fb", "/a%23b", "/A/B", "/a?B=C", "/a?b=http://c/d", "/a?/../b", "/[a]", "/{a}", "/a|b", "/a\"b", "/a^b", "/a`b",
    ];

    /// <summary>Values of header fields that arrive as they are sent: opaque bytes (RFC 9110, 5.5).</summary>
    public static TheoryData<string> Values() =>
    [
        "a", "a b", "a\tb", "a  b", "a, b", "\"a\"", "a;b=c", "é", "\xc3\xa9", "\xe9", "\xff", "\x80", "\u00a0a", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xc3", "\xfe\xff", "a\u00e9b",
        "<a@b>", "(a (b))", "a\\b", "{\"a\":1}", "=?utf-8?q?a?=", "a=b; c=\xe9; d=\"\xc3\xa9\"", "", ",", ";", ":", "a:b", "%0d%0aX: y", new string('x', 8000),
    ];

    /// <summary>Methods, which are case-sensitive (RFC 9110, 9.1).</summary>
    public static TheoryData<string> Methods() =>
    [
        "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "QUERY", "get", "post", "Get", "delete", "FOO", "M-SEARCH", "X", "options", "patch", "a!#$%&'*+-.^_`|~1",
    ];

    private static string Shown(string text)
    {
        var shown = new StringBuilder();
        foreach (var c in text)
        {
            shown.Append(c is < ' ' or > '~' ? $"\\x{(int)c:x2}" : c.ToString());
        }

        return shown.ToString();
    }
}
