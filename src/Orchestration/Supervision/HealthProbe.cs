namespace ClusterAspire.Orchestration.Supervision;

/// <summary>Waits until something that was started is ready to serve.</summary>
internal static class HealthProbe
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false })
    {
        Timeout = TimeSpan.FromSeconds(5),
        // A kept connection would be one more to close when the replica drains.
        DefaultRequestHeaders = { ConnectionClose = true },
    };

    /// <summary>Completes when <paramref name="health"/> answers with success.</summary>
    /// <exception cref="OperationCanceledException">Cancelled first.</exception>
    public static async Task WaitAsync(Uri health, CancellationToken cancellationToken)
    {
        while (!await IsHealthyAsync(health, cancellationToken))
        {
            await Task.Delay(Interval, cancellationToken);
        }
    }

    private static async Task<bool> IsHealthyAsync(Uri health, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await Client.GetAsync(health, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
