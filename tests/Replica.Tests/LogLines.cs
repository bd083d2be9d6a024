using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ClusterAspire.Replica.Tests;

/// <summary>Keeps what is logged.</summary>
/// <param name="least">The lowest level that is kept.</param>
internal sealed class LogLines(LogLevel least) : ILoggerProvider
{
    private readonly LogLevel _least = least;

    public ConcurrentQueue<(string Category, string Text, Exception? Exception)> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, this);

    public void Dispose()
    {
    }

    private sealed class Logger(string category, LogLines log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log._least;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log.Lines.Enqueue((category, formatter(state, exception), exception));
            }
        }
    }
}
