using System.CommandLine;
using System.Globalization;
using ClusterAspire.Orchestration.CommandLine;
using ClusterAspire.Orchestration.Options;
using ClusterAspire.Orchestration.Plan;
using CsCheck;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace ClusterAspire.Orchestration.Tests.Properties;

/// <summary>What holds of options and plans whatever the user writes.</summary>
public sealed class OptionProperties
{
    private static readonly string[] Keys = [.. typeof(ClusterOptions).GetProperties().Select(property => property.Name), "Cores", ""];

    private static readonly Gen<string> Values = Gen.OneOf(
        Gen.String[Gen.Char[' ', '~'], 0, 12],
        Gen.String,
        Gen.Int.Select(number => number.ToString(CultureInfo.InvariantCulture)),
        Gen.Double.Select(number => number.ToString(CultureInfo.InvariantCulture)),
        Gen.OneOf("auto", "true", "False", "process", "container", "docker", "table", "256m", "0", "1", "8080", "NaN", "1e9", "-1"));

    private static readonly Gen<Machine> Machines =
        Gen.Select(Gen.Int[0, 63].HashSet[1, 24], Gen.Int[1, 64], (cores, quota) => new Machine([.. cores.Order()], Math.Min(quota, cores.Count)) { IsFree = port => port % 3 != 0 });

    [Fact]
    public void Whatever_is_configured_gives_a_plan_or_one_sentence() =>
        Gen.Select(Gen.OneOf(Keys), Values).Array[0, 4].Select(Machines).Sample((settings, machine) =>
        {
            var configuration = new ConfigurationBuilder()
                .AddInMemoryCollection(settings.DistinctBy(setting => setting.Item1, StringComparer.OrdinalIgnoreCase).Select(setting => KeyValuePair.Create($"Cluster:{setting.Item1}", (string?)setting.Item2)))
                .Build();
            try
            {
                ClusterPlan.Create(ClusterOptions.From(configuration), machine);
            }
            catch (ClusterException mistake)
            {
                Assert.NotEqual("", mistake.Message);
            }
        });

    [Fact]
    public void A_plan_shares_the_cores_out_evenly_and_gives_each_replica_a_port_of_its_own() =>
        Gen.Select(Machines, Gen.Int[1, 128], Gen.Int[1, 65_535], Gen.Bool).Sample((machine, count, port, pin) =>
        {
            var options = new ClusterOptions { Replicas = $"{count}", Port = port, AdminPort = port == 65_535 ? 1 : port + 1, Pin = pin };
            var plan = ClusterPlan.Create(options, machine);

            Assert.Equal(count, plan.Replicas.Count);
            Assert.Equal(count, plan.Replicas.Select(replica => replica.Name).Distinct().Count());
            Assert.Equal(count, plan.Replicas.Select(replica => replica.Port).Except([options.Port, options.AdminPort]).Count());
            Assert.All(plan.Replicas, replica => Assert.True(machine.IsFree(replica.Port)));
            if (!pin)
            {
                Assert.All(plan.Replicas, replica => Assert.Null(replica.Core));
                return;
            }

            var shares = machine.Cores.Select(core => plan.Replicas.Count(replica => replica.Core == core)).ToList();
            Assert.Equal(count, shares.Sum());
            Assert.True(shares.Max() - shares.Min() <= 1);
        });

    [Fact]
    public void A_list_of_cores_reads_as_it_was_written() =>
        Gen.Int[0, 255].HashSet[1, 40].Select(cores => cores.Order().ToList()).Sample(cores => Assert.Equal(cores, Machine.ParseCores(Written(cores))));

    [Fact]
    public void A_switch_sets_what_its_configuration_key_sets() =>
        Gen.Select(Gen.OneOf("Replicas", "Port", "AdminPort", "Name", "DrainTimeout", "Image"), Gen.String[Gen.Char['!', '~'], 1, 12].Where(value => value[0] is not ('-' or '@' or '"'))).Sample((key, value) =>
        {
            var switches = new ClusterSwitches();
            var command = new Command("run");
            foreach (var option in switches.Options)
            {
                command.Options.Add(option);
            }

            var name = ClusterOptions.Switch(key).Split(' ')[0];
            Assert.Equal(value, Assert.Single(switches.Settings(command.Parse([name, value])), setting => setting.Key.Equals($"Cluster:{key}", StringComparison.OrdinalIgnoreCase)).Value);
        });

    // As Linux writes it: runs of numbers as ranges.
    private static string Written(List<int> cores)
    {
        var ranges = new List<string>();
        for (var i = 0; i < cores.Count;)
        {
            var first = i;
            for (i++; i < cores.Count && cores[i] == cores[i - 1] + 1; i++)
            {
            }

            ranges.Add(first == i - 1 ? $"{cores[first]}" : $"{cores[first]}-{cores[i - 1]}");
        }

        return string.Join(',', ranges);
    }
}
