using System.Text.Json.Serialization;

namespace ClusterAspire.Orchestration.Supervision;

/// <summary>What a workload is doing, as its supervisor sees it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<WorkloadState>))]
public enum WorkloadState
{
    /// <summary>It has been started for the first time and is not ready yet.</summary>
    [JsonStringEnumMemberName("starting")]
    Starting,

    /// <summary>It is ready.</summary>
    [JsonStringEnumMemberName("ready")]
    Ready,

    /// <summary>It finishes what it has, and ends.</summary>
    [JsonStringEnumMemberName("draining")]
    Draining,

    /// <summary>It has ended and is started again.</summary>
    [JsonStringEnumMemberName("restarting")]
    Restarting,

    /// <summary>It ends again and again (<see cref="CrashLoop"/>).</summary>
    [JsonStringEnumMemberName("crash loop")]
    CrashLoop,
}
