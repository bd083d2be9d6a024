using System.Globalization;
using System.Net;

namespace ClusterAspire.LoadBalancer.Forwarding.Http1;

/// <summary>A response's status line and header fields, read line by line.</summary>
/// <param name="request">What it answers.</param>
/// <param name="content">Its content.</param>
#pragma warning disable CA1001 // The sender of the request disposes of the response.
internal sealed class ResponseHead(HttpRequestMessage request, HttpContent content)
#pragma warning restore CA1001
{
    private HttpResponseMessage? _response;

    /// <summary>The response, with all header fields that belong to it and not to the connection.</summary>
    public HttpResponseMessage Response => _response!;

    /// <summary>What it says of its body and its connection.</summary>
    public ResponseControl Control { get; } = new();

    /// <summary>Reads a line.</summary>
    /// <param name="line">The line, without its end.</param>
    /// <returns>Whether it was the last.</returns>
    /// <exception cref="InvalidResponseException">It is none, or framing is ambiguous.</exception>
    public bool Add(ReadOnlySpan<byte> line)
    {
        if (_response is null)
        {
            Start(line);
            return false;
        }

        if (line.IsEmpty)
        {
            End();
            return true;
        }

        ReadField(line, out var name, out var value);
        if (Control.Add(name, value))
        {
            Put(Latin1Text.Name(name), Latin1Text.Value(value));
        }

        return false;
    }

    /// <summary>Reads a header or trailer field.</summary>
    /// <exception cref="InvalidResponseException">The line is none.</exception>
    public static void ReadField(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        if (line[0] is (byte)' ' or (byte)'\t')
        {
            throw new InvalidResponseException("a header field goes on in a second line");
        }

        var colon = line.IndexOf((byte)':');
        // Space before the colon is not passed on (RFC 9112, 5.1).
        name = colon < 0 ? default : line[..colon].TrimEnd(" \t"u8);
        if (!Latin1Text.IsToken(name))
        {
            throw new InvalidResponseException("a header field's name is not a token");
        }

        value = Latin1Text.Trim(line[(colon + 1)..]);
        if (!Latin1Text.IsValue(value))
        {
            throw new InvalidResponseException($"the value of {Latin1Text.Name(name)} has control characters");
        }
    }

    private void Start(ReadOnlySpan<byte> line)
    {
        Control.Reset(isToHead: request.Method == HttpMethod.Head);
        var reason = Control.Start(line);
        _response = new HttpResponseMessage((HttpStatusCode)Control.Status) { RequestMessage = request, Content = content };
        if (!System.Text.Ascii.Equals(reason, _response.ReasonPhrase ?? ""))
        {
            _response.ReasonPhrase = Latin1Text.Value(reason);
        }
    }

    private void End()
    {
        Control.End();
        if (Control.Connection is { } connection)
        {
            if (Control.Status is StatusCodes.Status101SwitchingProtocols)
            {
                Put("Connection", connection);
            }
            else
            {
                foreach (var option in Control.ConnectionOptions())
                {
                    Remove(_response!.Headers, option);
                    Remove(_response.Content.Headers, option);
                }
            }
        }

        if (Control.PassesLength)
        {
            Put("Content-Length", Control.Length!.Value.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void Remove(System.Net.Http.Headers.HttpHeaders headers, string name)
    {
        if (headers.NonValidated.Contains(name))
        {
            headers.Remove(name);
        }
    }

    private void Put(string name, string value)
    {
        if (!_response!.Headers.TryAddWithoutValidation(name, value))
        {
            _response.Content.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
