using System.Collections;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClusterAspire.Template.Tests.Documentation;

/// <summary>The JSON schema of an assembly's sections, by which editors complete <c>appsettings.json</c>.</summary>
internal static class ConfigurationSchema
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The schema of an assembly's sections.</summary>
    public static string Of(Assembly assembly)
    {
        var schema = Object();
        foreach (var section in OptionsSection.Of(assembly))
        {
            // Cluster:Build is an object within Cluster.
            var keys = section.Name.Split(':').Aggregate(schema, (outer, name) => (JsonObject)(outer["properties"]![name] ??= Object()));
            keys["description"] = section.Summary;
            foreach (var key in section.Keys)
            {
                var value = Value(key.Type, key.Default);
                value["description"] = key.Effect;
                if (Default(key.Default) is { } standard)
                {
                    value["default"] = standard;
                }

                keys["properties"]![key.Name] = value;
            }
        }

        return schema.ToJsonString(Readable) + "\n";
    }

    private static JsonObject Object() => new() { ["type"] = "object", ["properties"] = new JsonObject() };

    private static JsonObject Value(Type type, object? standard) => Nullable.GetUnderlyingType(type) is { } inner ? Value(inner, standard)
        : type.IsEnum ? new() { ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(name => (JsonNode)name.ToLowerInvariant())]) }
        : type == typeof(bool) ? new() { ["type"] = "boolean" }
        : type == typeof(string) && standard is "auto" ? new() { ["type"] = new JsonArray("string", "integer") }
        : type == typeof(string) || type == typeof(Uri) ? new() { ["type"] = "string" }
        : type.Name.StartsWith("IDictionary", StringComparison.Ordinal) ? new() { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "string" } }
        : typeof(IEnumerable).IsAssignableFrom(type) ? new() { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" } }
        : new() { ["type"] = type == typeof(double) ? "number" : "integer" };

    private static JsonNode? Default(object? value) => value switch
    {
        Enum member => member.ToString().ToLowerInvariant(),
        Uri address => address.OriginalString,
        // It depends on the machine and the user.
        string path when Path.IsPathRooted(path) => null,
        IEnumerable and not string => null,
        _ => JsonSerializer.SerializeToNode(value),
    };
}
