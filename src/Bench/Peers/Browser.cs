namespace ClusterAspire.Bench;

/// <summary>The machine's own Chromium, headless, with one page open.</summary>
internal static class Browser
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    /// <summary>Its path, or null when there is none.</summary>
    public static string? Path { get; } = Names.Select(Tool.Find).FirstOrDefault(path => path is not null);

    /// <summary>Opens a page, until it is disposed.</summary>
    /// <param name="url">The page.</param>
    /// <param name="folders">Where it may write.</param>
    public static ChildProcess Open(Uri url, BenchFolders folders) => ChildProcess.Start(
        Tool.Wrap(
            Path!,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--remote-debugging-port=0", $"--user-data-dir={System.IO.Path.Combine(folders.Logs, "browser")}", url.AbsoluteUri,
            ]),
        folders.Logs,
        "browser");
}
