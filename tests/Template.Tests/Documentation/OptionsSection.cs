using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace ClusterAspire.Template.Tests.Documentation;

/// <summary>A section of the configuration, from its options type and the documentation comments.</summary>
/// <param name="Name">The section, such as <c>LoadBalancer</c>.</param>
/// <param name="Summary">What it is for, as Markdown.</param>
/// <param name="Keys">Its keys.</param>
internal sealed partial record OptionsSection(string Name, string Summary, IReadOnlyList<OptionsKey> Keys)
{
    /// <summary>The sections of an assembly: its options types that name one.</summary>
    public static IEnumerable<OptionsSection> Of(Assembly assembly)
    {
        var comments = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml")).Descendants("member").ToDictionary(member => member.Attribute("name")!.Value, member => member.Element("summary")!);
        return assembly.GetTypes()
            .Select(type => (Name: type.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string ?? "", Type: type))
            .Where(section => section.Name.Length > 0 && section.Type.Name.EndsWith("Options", StringComparison.Ordinal))
            .OrderBy(section => section.Name, StringComparer.Ordinal)
            .Select(section =>
            {
                var defaults = Activator.CreateInstance(section.Type, nonPublic: true);
                return new OptionsSection(section.Name, Text(comments[$"T:{section.Type.FullName}"]), [.. section.Type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                    .Select(property => new OptionsKey(property.Name, property.PropertyType, property.GetValue(defaults), Text(comments[$"P:{section.Type.FullName}.{property.Name}"])))]);
            });
    }

    // What IntelliSense shows, as Markdown.
    private static string Text(XElement summary)
    {
        var text = string.Concat(summary.Nodes().Select(node => node switch
        {
            XText plain => plain.Value,
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "see" } reference => $"`{reference.Attribute("cref")?.Value.Split('.')[^1] ?? reference.Attribute("langword")?.Value}`",
            XElement other => other.Value,
            _ => "",
        }));
        return Spaces().Replace(text, " ").Trim();
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

/// <summary>A key of a section.</summary>
/// <param name="Name">The key.</param>
/// <param name="Type">The property's type.</param>
/// <param name="Default">Its value where nothing sets it.</param>
/// <param name="Effect">What it does, as Markdown.</param>
internal sealed record OptionsKey(string Name, Type Type, object? Default, string Effect);
