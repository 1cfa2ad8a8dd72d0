// SPDX-License-Identifier: Apache-2.0
using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Agones.Processor
{
    /// <summary>The library can't be loaded, or has another major version.</summary>
    public sealed class LibraryException : Exception
    {
        internal LibraryException(string message) : base(message) { }
    }

    /// <summary>A call was refused; nothing has changed. The message names what is wrong.</summary>
    public sealed class ProcessorException : Exception
    {
        internal ProcessorException(StatusCode status, string message) : base(status + ": " + message) { Status = status; }

        public StatusCode Status { get; }
    }

    /// <summary>Finding and loading the library: the host library, or a plugin by itself. It stays loaded.</summary>
    internal sealed class Library
    {
        private const string HostLibrary = "libagones_processor_host.so";
        private const int ErrorSize = 1024;
        private const int RtldNow = 2;

        internal readonly string File;
        internal readonly RawFunctions Functions;

        internal Library(string file)
        {
            File = file ?? Find();
            IntPtr handle = dlopen(File, RtldNow);
            if (handle == IntPtr.Zero) throw new LibraryException(Marshal.PtrToStringAnsi(dlerror()));
            try
            {
                Functions = new RawFunctions(name => dlsym(handle, name));
            }
            catch (EntryPointNotFoundException error)
            {
                throw new LibraryException(File + ": " + error.Message);
            }
            uint version = Functions.AbiVersion();
            if (version >> 16 != RawFunctions.HostAbiVersion >> 16)
            {
                throw new LibraryException($"{File}: has ABI {version >> 16}.{version & 0xffff}, this package needs {RawFunctions.HostAbiVersion >> 16}.x");
            }
        }

        /// <summary>What AGONES_PROCESSOR_PLUGIN names; the package's own file; the system's.</summary>
        private static string Find()
        {
            string named = Environment.GetEnvironmentVariable("AGONES_PROCESSOR_PLUGIN");
            if (!string.IsNullOrEmpty(named)) return named;
            string folder = Path.GetDirectoryName(typeof(Library).Assembly.Location);
            string packaged = string.IsNullOrEmpty(folder) ? HostLibrary : Path.Combine(folder, HostLibrary);
            return System.IO.File.Exists(packaged) ? packaged : HostLibrary;
        }

        internal bool CanSwap => Functions.Swap != null;

        /// <summary>Runs a function that takes the error's buffer and its size, and throws what it says.</summary>
        internal static unsafe void Check(Func<IntPtr, ulong, int> call)
        {
            byte* error = stackalloc byte[ErrorSize];
            error[0] = 0;
            int status = call((IntPtr)error, ErrorSize);
            if (status != 0) throw new ProcessorException((StatusCode)status, TextAt((IntPtr)error));
        }

        /// <summary>A text that ends with NUL.</summary>
        internal static unsafe string TextAt(IntPtr text)
        {
            var bytes = (byte*)text;
            int size = 0;
            while (bytes[size] != 0) ++size;
            return Encoding.UTF8.GetString(bytes, size);
        }

        internal static unsafe string TextOf(RawText text)
        {
            return text.size == 0 ? "" : Encoding.UTF8.GetString((byte*)text.data, (int)text.size);
        }

        internal static byte[] BytesOf(RawBytes bytes)
        {
            var copy = new byte[bytes.size];
            if (bytes.size > 0) Marshal.Copy(bytes.data, copy, 0, copy.Length);
            return copy;
        }

        internal static byte[] Terminated(string text) => Encoding.UTF8.GetBytes(text + "\0");

        [DllImport("libdl.so.2")] private static extern IntPtr dlopen(string file, int flags);
        [DllImport("libdl.so.2")] private static extern IntPtr dlsym(IntPtr handle, string name);
        [DllImport("libdl.so.2")] private static extern IntPtr dlerror();
    }
}
