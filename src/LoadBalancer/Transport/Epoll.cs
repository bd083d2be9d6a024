using System.Buffers.Binary;
using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace ClusterAspire.LoadBalancer.Transport;

/// <summary>Linux' epoll(7): waits for what happens to sockets, once for many of them.</summary>
internal sealed partial class Epoll
{
    private const int MostEvents = 256;
    private const int CloseOnExec = 0x80000;
    private const int Add = 1;
    private const int Interrupted = 4;

    // Events are reported when they begin (EPOLLET), so a socket is registered once.
    private const uint EdgeTriggered = 0x80000000;

    // struct epoll_event is packed on x86: 32 bits of events, 64 of data.
    private static readonly bool IsPacked = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;
    private static readonly int Size = IsPacked ? 12 : 16;
    private static readonly int Data = IsPacked ? 4 : 8;

    private readonly int _descriptor;
    private readonly byte[] _events = new byte[MostEvents * Size];

    /// <exception cref="Win32Exception">There is no descriptor for it.</exception>
    public Epoll()
    {
        _descriptor = Create(CloseOnExec);
        if (_descriptor < 0)
        {
            throw new Win32Exception();
        }
    }

    /// <summary>What happens to a socket from now on is reported, until it is closed.</summary>
    /// <param name="socket">Its descriptor.</param>
    /// <param name="number">The number it is reported by.</param>
    /// <param name="events">What is reported; failures always are.</param>
    /// <exception cref="SocketException">The system takes no more.</exception>
    public void Watch(int socket, long number, EpollEvents events)
    {
        Span<byte> registration = stackalloc byte[Size];
        BinaryPrimitives.WriteUInt32LittleEndian(registration, (uint)events | EdgeTriggered);
        BinaryPrimitives.WriteInt64LittleEndian(registration[Data..], number);
        if (Control(_descriptor, Add, socket, ref MemoryMarshal.GetReference(registration)) < 0)
        {
            throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
        }
    }

    /// <summary>Waits until something happens.</summary>
    /// <returns>To how many sockets.</returns>
    public int Wait()
    {
        while (true)
        {
            var count = Wait(_descriptor, ref _events[0], MostEvents, Timeout.Infinite);
            if (count >= 0)
            {
                return count;
            }

            if (Marshal.GetLastPInvokeError() is not Interrupted)
            {
                throw new Win32Exception();
            }
        }
    }

    /// <summary>What happened, and the number of the socket.</summary>
    public (long Number, EpollEvents Events) this[int index]
    {
        get
        {
            var happened = _events.AsSpan(index * Size, Size);
            return (BinaryPrimitives.ReadInt64LittleEndian(happened[Data..]), (EpollEvents)BinaryPrimitives.ReadUInt32LittleEndian(happened));
        }
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int Control(int epoll, int operation, int socket, ref byte registration);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int Wait(int epoll, ref byte events, int most, int timeout);
}

/// <summary>What happens to a socket (epoll_ctl(2)).</summary>
[Flags]
internal enum EpollEvents : uint
{
    /// <summary>There is something to read.</summary>
    Readable = 0x1,

    /// <summary>There is room to write.</summary>
    Writable = 0x4,

    /// <summary>It failed.</summary>
    Failed = 0x8,

    /// <summary>It is closed both ways.</summary>
    HungUp = 0x10,

    /// <summary>The other side sends no more.</summary>
    PeerClosed = 0x2000,
}
