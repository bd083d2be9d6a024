using ClusterAspire.Replica.Startup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Tests;

public sealed class RunOrExplainTests
{
    [Fact]
    public Task What_fails_while_it_stops_is_logged_and_ends_with_1() => RunAsync(new Fragile { FailsToStop = true });

    [Fact]
    public Task What_fails_while_it_is_disposed_is_logged_and_ends_with_1() => RunAsync(new Fragile { FailsToDispose = true });

    [Fact]
    public async Task A_start_that_fails_for_no_mistake_of_the_user_is_thrown()
    {
        var host = Build(new() { FailsToStart = true });
        Assert.Equal(nameof(Fragile.FailsToStart), (await Assert.ThrowsAsync<ArithmeticException>(host.RunOrExplainAsync)).Message);
    }

    private static async Task RunAsync(Fragile fragile)
    {
        var host = Build(fragile);
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication);
        Assert.Equal(1, await Eventually.InTimeAsync(host.RunOrExplainAsync()));
        Assert.IsType<ArithmeticException>(Assert.Single(fragile.Log.Lines, line => line.Category == typeof(RunOrExplainExtensions).FullName).Exception);
    }

    private static WebApplication Build(Fragile fragile)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddReplica();
        builder.Logging.ClearProviders().AddProvider(fragile.Log);
        builder.Services.AddSingleton<IHostedService>(_ => fragile);
        return builder.Build();
    }

    /// <summary>A part of the application that fails.</summary>
    private sealed class Fragile : IHostedService, IDisposable
    {
        public LogLines Log { get; } = new(LogLevel.Error);

        public bool FailsToStart { get; init; }

        public bool FailsToStop { get; init; }

        public bool FailsToDispose { get; init; }

        public Task StartAsync(CancellationToken cancellationToken) => FailsToStart ? throw new ArithmeticException(nameof(FailsToStart)) : Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => FailsToStop ? throw new ArithmeticException(nameof(FailsToStop)) : Task.CompletedTask;

        public void Dispose()
        {
            if (FailsToDispose)
            {
                throw new ArithmeticException(nameof(FailsToDispose));
            }
        }
    }
}
