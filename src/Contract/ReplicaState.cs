using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClusterAspire.Contract;

/// <summary>What a replica is doing, as the load balancer sees it.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter))]
public enum ReplicaState
{
    /// <summary>It has not answered yet.</summary>
    Starting,

    /// <summary>It takes requests and has a free compute slot.</summary>
    Ready,

    /// <summary>It takes light requests; all its compute slots are taken.</summary>
    Busy,

    /// <summary>It finishes what it has and takes nothing new.</summary>
    Draining,

    /// <summary>It went away a moment ago and is expected back.</summary>
    Restarting,

    /// <summary>It has been away for longer than a restart takes, or says that it is unhealthy.</summary>
    Down,
}

/// <summary>Writes <see cref="ReplicaState"/> as <c>ready</c>, <c>busy</c>, ….</summary>
internal sealed class CamelCaseEnumConverter() : JsonStringEnumConverter<ReplicaState>(JsonNamingPolicy.CamelCase);
