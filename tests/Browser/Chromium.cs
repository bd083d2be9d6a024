using Microsoft.Playwright;
using Xunit;

namespace ClusterAspire.Tests;

/// <summary>The machine's own Chromium, headless.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (Find() is { } path)
        {
            _playwright = await Playwright.CreateAsync();
            _browser = await _playwright.Chromium.LaunchAsync(new()
            {
                ExecutablePath = path,
                Args =
                [
                    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
                    "--disable-sync", "--no-first-run",
                ],
            });
        }
    }

    /// <summary>Opens a page; skips the test where there is no browser, unless in CI.</summary>
    public async Task<IPage> OpenAsync(Uri address, ColorScheme colors = ColorScheme.Light, int width = 1400, int height = 1000)
    {
        if (_browser is null)
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") is "true", "There is no Chromium on this machine's PATH.");
            Assert.Fail("There is no Chromium on this machine's PATH.");
        }

        var page = await _browser.NewPageAsync(new() { ColorScheme = colors, ViewportSize = new() { Width = width, Height = height } });
        page.SetDefaultTimeout(60_000);
        await page.GotoAsync(address.ToString());
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    private static string? Find() =>
        (from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
         from name in Names
         let path = Path.Combine(folder, name)
         where File.Exists(path)
         select path).FirstOrDefault();
}
