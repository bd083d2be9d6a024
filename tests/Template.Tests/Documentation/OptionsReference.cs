using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace ClusterAspire.Template.Tests.Documentation;

/// <summary>Every key of every section of the configuration as Markdown, from the option types and their documentation comments.</summary>
internal static partial class OptionsReference
{
    /// <summary>A table for each options type of these assemblies that names its section.</summary>
    public static string Of(params Assembly[] assemblies)
    {
        var markdown = new StringBuilder();
        foreach (var assembly in assemblies)
        {
            var comments = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member").ToDictionary(member => member.Attribute("name")!.Value, member => member.Element("summary"));
            foreach (var (section, type) in Sections(assembly))
            {
                markdown.Append(CultureInfo.InvariantCulture, $"\n### {section}\n\n{Text(comments[$"T:{type.FullName}"])}\n\n| key | value | default | effect |\n| --- | --- | --- | --- |\n");
                var defaults = Activator.CreateInstance(type, nonPublic: true);
                foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
                {
                    var effect = Text(comments[$"P:{type.FullName}.{property.Name}"]);
                    markdown.Append(CultureInfo.InvariantCulture, $"| `{property.Name}` | {Value(property.PropertyType, effect)} | {Default(property.GetValue(defaults))} | {effect} |\n");
                }
            }
        }

        return markdown.ToString();
    }

    private static IEnumerable<(string Section, Type Type)> Sections(Assembly assembly) => assembly.GetTypes()
        .Select(type => (Section: type.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string ?? "", Type: type))
        .Where(options => options.Section.Length > 0 && options.Type.Name.EndsWith("Options", StringComparison.Ordinal))
        .OrderBy(options => options.Section, StringComparer.Ordinal);

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

    // What IntelliSense shows, as Markdown.
    private static string Text(XElement? summary)
    {
        var text = string.Concat(summary!.Nodes().Select(node => node switch
        {
            XText plain => plain.Value,
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "see" } reference => $"`{reference.Attribute("cref")?.Value.Split('.')[^1] ?? reference.Attribute("langword")?.Value}`",
            XElement other => other.Value,
            _ => "",
        }));
        return Spaces().Replace(text, " ").Trim().Replace("|", "\\|", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
