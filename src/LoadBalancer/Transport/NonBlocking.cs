using System.Runtime.InteropServices;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>Linux' recv(2) and send(2) that do not wait, for sockets that an event loop watches: .NET's own keep 200 bytes for each that might.</summary>
internal static partial class NonBlocking
{
    /// <summary>The system's error when there is nothing to receive, or no room to send (EAGAIN).</summary>
    public const int WouldBlock = 11;

    private const int Interrupted = 4;
    private const int DoNotWait = 0x40;
    private const int NoSignal = 0x4000;

    /// <summary>Receives what is there.</summary>
    /// <param name="socket">The socket's descriptor.</param>
    /// <param name="room">Where to.</param>
    /// <param name="error">The system's error; 0 when there is none.</param>
    /// <returns>How many bytes; 0 at the end, -1 with an error.</returns>
    public static int Receive(int socket, Span<byte> room, out int error)
    {
        while (true)
        {
            var length = (int)Receive(socket, ref MemoryMarshal.GetReference(room), room.Length, DoNotWait);
            error = length < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (error is not Interrupted)
            {
                return length;
            }
        }
    }

    /// <summary>Sends as much as there is room for.</summary>
    /// <param name="socket">The socket's descriptor.</param>
    /// <param name="bytes">What.</param>
    /// <param name="error">The system's error; 0 when there is none.</param>
    /// <returns>How many bytes; -1 with an error.</returns>
    public static int Send(int socket, ReadOnlySpan<byte> bytes, out int error)
    {
        while (true)
        {
            var length = (int)Send(socket, in MemoryMarshal.GetReference(bytes), bytes.Length, DoNotWait | NoSignal);
            error = length < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (error is not Interrupted)
            {
                return length;
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(int socket, ref byte room, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(int socket, in byte bytes, nint length, int flags);
}
