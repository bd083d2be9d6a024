using System.Globalization;
using System.Text;

namespace ClusterAspire.LoadBalancer.Tests.Http;

/// <summary>Reads HTTP as text of Latin-1, a character for a byte.</summary>
internal sealed class RawReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly StringBuilder _text = new();

    /// <summary>Up to a text and with it; what there was when the connection ended before.</summary>
    public async Task<string> UntilAsync(string end)
    {
        while (true)
        {
            var text = _text.ToString();
            if (text.IndexOf(end, StringComparison.Ordinal) is >= 0 and var found)
            {
                return Take(found + end.Length);
            }

            if (!await FillAsync())
            {
                return Take(text.Length);
            }
        }
    }

    public async Task<string> BytesAsync(int count)
    {
        while (_text.Length < count && await FillAsync())
        {
        }

        return Take(Math.Min(count, _text.Length));
    }

    public async Task<string> ToEndAsync()
    {
        while (await FillAsync())
        {
        }

        return Take(_text.Length);
    }

    /// <summary>Chunks, as they are.</summary>
    public async Task<string> ChunksAsync()
    {
        var all = new StringBuilder();
        while (true)
        {
            var line = await UntilAsync("\r\n");
            all.Append(line);
            if (!int.TryParse(line.Split(';')[0].Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var size))
            {
                return all.ToString();
            }

            if (size > 0)
            {
                all.Append(await BytesAsync(size + 2));
                continue;
            }

            do
            {
                line = await UntilAsync("\r\n");
                all.Append(line);
            }
            while (line.Length > 2);

            return all.ToString();
        }
    }

    private string Take(int count)
    {
        var text = _text.ToString(0, count);
        _text.Remove(0, count);
        return text;
    }

    private async Task<bool> FillAsync()
    {
        int read;
        try
        {
            read = await stream.ReadAsync(_buffer);
        }
        catch (IOException)
        {
            return false;
        }

        _text.Append(Encoding.Latin1.GetString(_buffer, 0, read));
        return read > 0;
    }
}
