using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace ClusterAspire.Replica.Startup;

/// <summary>Says what the user must change when the host cannot start.</summary>
internal static partial class StartupFailure
{
    /// <summary>One sentence for each mistake; null when it is none of the user's.</summary>
    public static IReadOnlyList<string>? Explain(Exception failure, IConfiguration configuration) => failure switch
    {
        OptionsValidationException invalid => [.. invalid.Failures],
        AggregateException several => Explain(several.InnerExceptions, configuration),
        InvalidOperationException { InnerException: not null } unreadable when Unreadable().Match(unreadable.Message) is { Success: true } value =>
            [$"{value.Groups["key"]} cannot be '{value.Groups["value"]}': it must be {Describe(value.Groups["type"].Value)}."],
        InvalidOperationException { InnerException: AggregateException mistakes } routes when routes.Message.Contains("the proxy configuration", StringComparison.Ordinal) =>
            [.. mistakes.InnerExceptions.Select(mistake => $"ReverseProxy: {mistake.Message}")],
        IOException { InnerException: AddressInUseException } taken when Taken().Match(taken.Message) is { Success: true } address =>
            [Taken(address.Groups["address"].Value)],
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            [$"Cannot listen on {Addresses(configuration)}: this user may not use that port; choose one above 1023."],
        SocketException socket =>
            [$"Cannot listen on {Addresses(configuration)}: {socket.Message}."],
        FormatException invalid when invalid.Message.StartsWith("Invalid url", StringComparison.Ordinal) =>
            [$"Cannot listen on {Addresses(configuration)}: an address looks like http://127.0.0.1:8080."],
        ArgumentOutOfRangeException { ParamName: "port" } =>
            [$"Cannot listen on {Addresses(configuration)}: a port is a number from 0 to 65535."],
        InvalidOperationException https when https.Message.Contains("UseKestrelHttpsConfiguration", StringComparison.Ordinal) =>
            [$"Cannot listen on {Addresses(configuration)}: this application speaks HTTP only, use an http:// address."],
        InvalidOperationException certificate when certificate.Message.Contains("No server certificate was specified", StringComparison.Ordinal) =>
            ["HTTPS needs a certificate: name a PEM file by Kestrel:Certificates:Default:Path and its key's by KeyPath, or a PFX file and its Password."],
        _ => null,
    };

    private static List<string>? Explain(IEnumerable<Exception> failures, IConfiguration configuration)
    {
        var explained = failures.Select(failure => Explain(failure, configuration)).ToList();
        return explained.TrueForAll(sentences => sentences is not null) ? [.. explained.SelectMany(sentences => sentences!)] : null;
    }

    private static string Taken(string address) =>
        $"Port {BindingAddress.Parse(address).Port} is already in use: stop the program that listens on {address}, or choose another port.";

    private static string Addresses(IConfiguration configuration) =>
        configuration[WebHostDefaults.ServerUrlsKey] ?? "the configured address";

    private static string Describe(string type) => type switch
    {
        "System.Boolean" => "true or false",
        "System.Int32" or "System.Int64" => "a whole number",
        "System.Double" => "a number",
        "System.TimeSpan" => "a time such as 00:00:30",
        "System.Uri" => "an address such as http://127.0.0.1:8080",
        _ => type[(type.LastIndexOfAny(['.', '+']) + 1)..],
    };

    // The text of the configuration binder's exception, which has no type of its own.
    [GeneratedRegex("value '(?<value>.*)' at '(?<key>.*)' to type '(?<type>.*)'", RegexOptions.Singleline)]
    private static partial Regex Unreadable();

    // The text of Kestrel's exception, which has no property for the address.
    [GeneratedRegex("address (?<address>[^ ]+): address already in use")]
    private static partial Regex Taken();
}
