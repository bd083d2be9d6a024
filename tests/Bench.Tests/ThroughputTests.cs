using Xunit;

namespace ClusterAspire.Bench.Tests;

public sealed class ThroughputTests
{
    private const string WrkReport = """
        Running 3s test @ http://127.0.0.1:40000/fast
          1 threads and 32 connections
          Thread Stats   Avg      Stdev     Max   +/- Stdev
            Latency     1.37ms    1.21ms  25.11ms   92.13%
            Req/Sec    26.42k     1.90k   29.61k    70.00%
          Latency Distribution
             50%  890.00us
             75%    1.52ms
             90%    2.44ms
             99%    1.02s 
          79021 requests in 3.01s, 11.30MB read
          Socket errors: connect 0, read 3, write 0, timeout 2
          Non-2xx or 3xx responses: 7
        Requests/sec:  26254.34
        Transfer/sec:      3.75MB
        """;

    [Fact]
    public void Wrk_is_read_with_its_units_and_failures() =>
        Assert.Equal(new Throughput(26254.34, 0.89, 1020, 12), WrkTool.Parse(WrkReport));

    [Fact]
    public void A_wrk_that_says_nothing_is_an_error() => Assert.Throws<BenchException>(() => WrkTool.Parse("unable to connect"));

    [Fact]
    public void H2load_is_read_request_by_request()
    {
        var throughput = H2LoadTool.Parse(["1\t200\t1000", "2\t200\t3000", "3\t502\t100", "4\t-1\t100"], seconds: 2);

        Assert.Equal((1, 2), (throughput.PerSecond, throughput.Failed));
        Assert.Equal(3, throughput.P99, 0.01);
    }

    [Theory]
    [InlineData("3", new[] { 3 })]
    [InlineData(" 0-2,8", new[] { 0, 1, 2, 8 })]
    public void Core_lists_are_read_as_Linux_writes_them(string list, int[] cores) => Assert.Equal(cores, Cores.Parse(list));

    [Theory]
    [InlineData(new[] { 3.0, 1, 2 }, 2)]
    [InlineData(new[] { 4.0, 1, 2, 3 }, 2.5)]
    [InlineData(new double[0], double.NaN)]
    public void The_median_is_the_middle_one(double[] values, double median) => Assert.Equal(median, Statistics.Median(values));
}
