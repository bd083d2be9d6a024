using ClusterAspire.Contract;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.AspNetCore.Routing.Template;

namespace ClusterAspire.LoadBalancer.Balancing;

/// <summary>Finds out whether a request goes to one of the compute routes that replicas named.</summary>
internal sealed class ComputeRouteMatcher
{
    private readonly Entry[] _entries;

    /// <summary>Compiles the routes.</summary>
    /// <param name="routes">The routes; those that cannot be parsed here are left out.</param>
    /// <param name="services">Where route constraints come from; may be null when there are no routes.</param>
    public ComputeRouteMatcher(IReadOnlyCollection<ComputeRoute> routes, IServiceProvider? services)
    {
        All = routes;
        _entries = [.. routes.Select(route => Compile(route, services!)).OfType<Entry>()];
    }

    /// <summary>The routes it was made of.</summary>
    public IReadOnlyCollection<ComputeRoute> All { get; }

    /// <summary>The pattern of the route that the request's method and path match; null when there is none.</summary>
    public string? Match(HttpRequest request)
    {
        foreach (var entry in _entries)
        {
            if (entry.Matches(request))
            {
                return entry.Pattern;
            }
        }

        return null;
    }

    /// <summary>Whether a request may match one of the routes, as far as the beginning of its path tells.</summary>
    public bool MayMatch(ReadOnlySpan<char> path)
    {
        foreach (var entry in _entries)
        {
            if (path.StartsWith(entry.Start, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private static Entry? Compile(ComputeRoute route, IServiceProvider services)
    {
        try
        {
            return new(route, RoutePatternFactory.Parse(route.Pattern), services.GetRequiredService<ParameterPolicyFactory>());
        }
        catch (RoutePatternException)
        {
            return null;
        }
    }

    private sealed class Entry
    {
        private readonly string? _method;
        private readonly TemplateMatcher _matcher;
        private readonly List<(string Parameter, IRouteConstraint Constraint)> _constraints = [];

        public Entry(ComputeRoute route, RoutePattern pattern, ParameterPolicyFactory policies)
        {
            (_method, Pattern) = (route.Method, route.Pattern);
            // The literal beginning of the pattern excludes most requests of other routes.
            Start = "/" + string.Join('/', pattern.PathSegments
                .TakeWhile(segment => segment.IsSimple && segment.Parts[0].IsLiteral)
                .Select(segment => ((RoutePatternLiteralPart)segment.Parts[0]).Content));
            _matcher = new(new RouteTemplate(pattern), new(pattern.Defaults));
            foreach (var (parameter, references) in pattern.ParameterPolicies)
            {
                foreach (var reference in references)
                {
                    if (Constraint(policies, pattern, parameter, reference) is { } constraint)
                    {
                        _constraints.Add((parameter, constraint));
                    }
                }
            }
        }

        public string Pattern { get; }

        /// <summary>What every path that matches begins with.</summary>
        public string Start { get; }

        public bool Matches(HttpRequest request)
        {
            if (_method is not null && !HttpMethods.Equals(_method, request.Method)
                || request.Path.Value?.StartsWith(Start, StringComparison.OrdinalIgnoreCase) is not true)
            {
                return false;
            }

            var values = new RouteValueDictionary();
            return _matcher.TryMatch(request.Path, values)
                && _constraints.TrueForAll(of => of.Constraint.Match(request.HttpContext, null, of.Parameter, values, RouteDirection.IncomingRequest));
        }

        // A constraint that only the service knows is not checked here: the request may then take a slot that it does not need.
        private static IRouteConstraint? Constraint(
            ParameterPolicyFactory policies, RoutePattern pattern, string parameter, RoutePatternParameterPolicyReference reference)
        {
            try
            {
                return policies.Create(pattern.GetParameter(parameter), reference) as IRouteConstraint;
            }
            catch (InvalidOperationException)
            {
                return null;
            }
        }
    }
}
