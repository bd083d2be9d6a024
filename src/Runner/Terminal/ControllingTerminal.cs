namespace ClusterAspire.Runner.Terminal;

/// <summary>The terminal that this process' session belongs to, wherever its output goes.</summary>
internal static class ControllingTerminal
{
    /// <summary>Whether there is one; always on Windows, where nothing sends SIGHUP but a console that closes.</summary>
    public static bool IsThere
    {
        get
        {
            try
            {
                using var terminal = OperatingSystem.IsWindows() ? null : File.OpenHandle("/dev/tty");
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }
}
