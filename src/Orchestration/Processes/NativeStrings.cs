using System.Runtime.InteropServices;

namespace ClusterAspire.Orchestration.Processes;

/// <summary>Strings as C takes them: an array of pointers to UTF-8, ended by a null pointer.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly nint[] _strings;

    public NativeStrings(IEnumerable<string> strings)
    {
        _strings = [.. strings.Select(Marshal.StringToCoTaskMemUTF8)];
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)_strings.Length + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < _strings.Length; i++)
        {
            Pointer[i] = (byte*)_strings[i];
        }
    }

    public byte** Pointer { get; }

    public void Dispose()
    {
        NativeMemory.Free(Pointer);
        Array.ForEach(_strings, Marshal.FreeCoTaskMem);
    }
}
