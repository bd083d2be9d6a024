using Aspire.Hosting.ApplicationModel;

namespace ClusterAspire.Aspire.Tests;

/// <summary>What is started again and what is not, by the states and commands of a resource.</summary>
public sealed class RestarterTests
{
    [Fact]
    public async Task What_ends_is_started_again_each_time()
    {
        await using var resource = await SupervisedResource.StartAsync();

        await resource.EndAsync();
        await resource.UntilStartsAsync(1);
        await resource.EndAsync();
        await resource.UntilStartsAsync(2);

        Assert.All(resource.Warnings, warning => Assert.StartsWith("nothing exited with code 137; restarting in ", warning));
        Assert.Equal(2, resource.Warnings.Count);
    }

    [Fact]
    public async Task An_end_that_is_reported_twice_is_one_end()
    {
        await using var resource = await SupervisedResource.StartAsync();

        await resource.EndAsync();
        await resource.EndAsync();
        await resource.UntilStartsAsync(1);
        await SupervisedResource.SettleAsync();

        Assert.Equal(1, resource.Starts);
    }

    [Fact]
    public async Task What_is_asked_to_stop_stays_stopped_until_it_is_asked_to_start()
    {
        await using var resource = await SupervisedResource.StartAsync();

        await resource.ExecuteAsync(KnownResourceCommands.StopCommand);
        await SupervisedResource.SettleAsync();
        Assert.Equal(0, resource.Starts);

        await resource.ExecuteAsync(KnownResourceCommands.StartCommand);
        await resource.EndAsync();
        await resource.UntilStartsAsync(2);
    }

    [Fact]
    public async Task What_was_asked_to_stop_stays_stopped_when_it_is_rebuilt()
    {
        await using var resource = await SupervisedResource.StartAsync();

        await resource.ExecuteAsync(KnownResourceCommands.StopCommand);
        await resource.ExecuteAsync(KnownResourceCommands.RebuildCommand);
        await SupervisedResource.SettleAsync();

        Assert.Equal(0, resource.Starts);
    }

    [Fact]
    public async Task A_restart_by_command_starts_once()
    {
        await using var resource = await SupervisedResource.StartAsync();

        await resource.ExecuteAsync(KnownResourceCommands.RestartCommand);
        await SupervisedResource.SettleAsync();

        Assert.Equal(1, resource.Starts);
    }

    [Fact]
    public async Task What_cannot_start_is_tried_again()
    {
        await using var resource = await SupervisedResource.StartAsync();
        resource.FailsToStart = true;
        await resource.EndAsync();
        await resource.UntilStartsAsync(2);

        resource.FailsToStart = false;
        await resource.UntilRunningAsync();
    }

    [Fact]
    public async Task What_is_left_stopped_is_not_started_again()
    {
        await using var resource = await SupervisedResource.StartAsync();

        resource.LeaveStopped();
        await resource.EndAsync();
        await SupervisedResource.SettleAsync();

        Assert.Equal(0, resource.Starts);
    }
}
