using System.Buffers;
using System.Text;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>Writes a request's line and header fields.</summary>
internal static class RequestHead
{
    /// <summary>The target of <c>OPTIONS *</c>, which no URI has.</summary>
    public static readonly HttpRequestOptionsKey<string> Target = new("target");

    /// <summary>Writes it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="output">Where to.</param>
    /// <returns>Whether a body follows, and how many bytes it has; null for chunks.</returns>
    /// <exception cref="UnsendableRequestException">The method or a field's value has characters that HTTP/1.1 does not.</exception>
    public static (bool HasBody, long? Length) Write(HttpRequestMessage request, ArrayBufferWriter<byte> output)
    {
        var uri = request.RequestUri!;
        Put(request.Method.Method, output);
        output.Write(" "u8);
        var target = request.Method == HttpMethod.Options && request.Options.TryGetValue(Target, out var given) ? given : uri.PathAndQuery;
        if (target.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new UnsendableRequestException("its target has characters that are neither letters, digits nor signs");
        }

        Put(target, output);
        output.Write(" HTTP/1.1\r\n"u8);

        // Unparsed, as they came: .NET would validate and rewrite parsed headers.
        var headers = request.Headers.NonValidated;
        if (!headers.Contains("Host"))
        {
            output.Write("Host: "u8);
            Put(uri.IsDefaultPort ? uri.IdnHost : uri.Authority, output);
            output.Write("\r\n"u8);
        }

        foreach (var (name, values) in headers)
        {
            Put(name, values, output);
        }

        if (request.Content is { } content)
        {
            foreach (var (name, values) in content.Headers.NonValidated)
            {
                Put(name, values, output);
            }
        }

        // Read last, because reading it adds a computed length to the headers, which the client has not sent.
        var length = request.Content is null ? 0 : request.Content.Headers.ContentLength;
        output.Write(length is null ? "Transfer-Encoding: chunked\r\n\r\n"u8 : "\r\n"u8);
        return (length is not 0, length);
    }

    private static void Put(string name, System.Net.Http.Headers.HeaderStringValues values, ArrayBufferWriter<byte> output)
    {
        if (values.Count > 1 && name.Equals("Cookie", StringComparison.OrdinalIgnoreCase))
        {
            // HTTP/2 may split it, HTTP/1.1 may not (RFC 9113, 8.2.3).
            Put(name, string.Join("; ", (IEnumerable<string>)values), output);
            return;
        }

        foreach (var value in values)
        {
            Put(name, value, output);
        }
    }

    private static void Put(string name, string value, ArrayBufferWriter<byte> output)
    {
        if (!Latin1Text.IsValue(value))
        {
            throw new UnsendableRequestException($"the value of {name} has control characters, or characters beyond Latin-1");
        }

        Put(name, output);
        output.Write(": "u8);
        Put(value, output);
        output.Write("\r\n"u8);
    }

    private static void Put(string text, ArrayBufferWriter<byte> output) =>
        output.Advance(Encoding.Latin1.GetBytes(text, output.GetSpan(text.Length)));
}
