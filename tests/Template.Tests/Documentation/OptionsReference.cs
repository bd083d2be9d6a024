using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace ClusterAspire.Template.Tests.Documentation;

/// <summary>Every key of every section of the configuration as Markdown, from the option types and their documentation comments.</summary>
internal static class OptionsReference
{
    /// <summary>A table for each options type of these assemblies that names its section.</summary>
    public static string Of(params Assembly[] assemblies)
    {
        var markdown = new StringBuilder();
        foreach (var section in assemblies.SelectMany(OptionsSection.Of))
        {
            markdown.Append(CultureInfo.InvariantCulture, $"\n### {section.Name}\n\n{Cell(section.Summary)}\n\n| key | value | default | effect |\n| --- | --- | --- | --- |\n");
            foreach (var key in section.Keys)
            {
                markdown.Append(CultureInfo.InvariantCulture, $"| `{key.Name}` | {Value(key.Type, key.Effect)} | {Default(key.Default)} | {Cell(key.Effect)} |\n");
            }
        }

        return markdown.ToString();
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static string Value(Type type, string effect) => Nullable.GetUnderlyingType(type) is { } inner ? Value(inner, effect)
        : type.IsEnum ? string.Join(", ", Enum.GetNames(type).Select(name => $"`{name.ToLowerInvariant()}`"))
        : type == typeof(bool) ? "`true`, `false`"
        : type == typeof(string) ? "text"
        : type == typeof(Uri) ? "address"
        : typeof(IDictionary).IsAssignableFrom(type) || type.Name.StartsWith("IDictionary", StringComparison.Ordinal) ? "names with a text each"
        : type != typeof(string) && typeof(IEnumerable).IsAssignableFrom(type) ? "texts"
        : effect.Contains("in seconds", StringComparison.Ordinal) ? "seconds"
        : effect.Contains("in bytes", StringComparison.Ordinal) ? "bytes"
        : "number";

    private static string Default(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "`true`" : "`false`",
        Enum member => $"`{member.ToString().ToLowerInvariant()}`",
        // It depends on the machine and the user.
        string path when Path.IsPathRooted(path) => "in the temporary folder",
        string text => $"`{text}`",
        Uri address => $"`{address.OriginalString}`",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => "",
    };
}
