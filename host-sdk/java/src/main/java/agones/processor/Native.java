// SPDX-License-Identifier: Apache-2.0
package agones.processor;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Finding and loading the library, the host library or a plugin by itself; texts in its memory. */
final class Native {
    private static final String HOST_LIBRARY = "libagones_processor_host.so";
    private static final String PLUGIN = "libagones_processor.so";
    private static final int ERROR_SIZE = 1024;

    private static final ThreadLocal<Memory> COPY = ThreadLocal.withInitial(() -> zeroed(4096));
    private static final ThreadLocal<Memory> ERROR = ThreadLocal.withInitial(() -> zeroed(ERROR_SIZE));

    final Raw functions;
    final String file;

    Native(String explicit) {
        file = explicit != null ? explicit : find();
        try {
            functions = com.sun.jna.Native.load(file, Raw.class, Map.of(com.sun.jna.Library.OPTION_STRING_ENCODING, "UTF-8"));
            int version = functions.proc_abi_version();
            if (version >>> 16 != Raw.ABI_VERSION >>> 16) {
                throw new LibraryException(file + ": has ABI " + (version >>> 16) + "." + (version & 0xffff) + ", this package needs "
                        + (Raw.ABI_VERSION >>> 16) + ".x", null);
            }
        } catch (UnsatisfiedLinkError error) {
            throw new LibraryException(file + ": " + error.getMessage(), error);
        }
    }

    /** What AGONES_PROCESSOR_PLUGIN names; the package's own file; the system's. */
    private static String find() {
        String named = System.getenv("AGONES_PROCESSOR_PLUGIN");
        if (named != null && !named.isEmpty()) {
            return named;
        }
        return Native.class.getResource("/native/" + HOST_LIBRARY) == null ? HOST_LIBRARY : Packaged.HOST_LIBRARY_FILE;
    }

    /** The package's own files, unpacked once a process into a folder that is this user's alone: the library loads what nobody else may write to. */
    private static final class Packaged {
        static final String HOST_LIBRARY_FILE = unpack();

        private static String unpack() {
            try {
                Path folder = Files.createTempDirectory("agones-processor");
                folder.toFile().deleteOnExit();
                // The plugin first: the host library looks for it in its own folder.
                for (String name : new String[] {PLUGIN, HOST_LIBRARY}) {
                    try (InputStream resource = Native.class.getResourceAsStream("/native/" + name)) {
                        if (resource != null) {
                            Files.copy(resource, folder.resolve(name));
                            folder.resolve(name).toFile().deleteOnExit();
                        }
                    }
                }
                return folder.resolve(HOST_LIBRARY).toString();
            } catch (IOException error) {
                throw new UncheckedIOException("the package's library can't be unpacked (see java.io.tmpdir)", error);
            }
        }
    }

    /** A function that takes the error's buffer and its size. */
    interface Call {
        int run(Pointer error, long errorSize);
    }

    void check(Call call) {
        Memory error = ERROR.get();
        int status = call.run(error, ERROR_SIZE);
        if (status != Raw.OK) {
            throw new ProcessorException(functions.proc_status_string(status), text(error, 0, ERROR_SIZE));
        }
    }

    /** A text that ends with NUL. */
    static String text(byte[] bytes) {
        return com.sun.jna.Native.toString(bytes, StandardCharsets.UTF_8.name());
    }

    static String text(Pointer struct, int offset, int size) {
        return text(struct.getByteArray(offset, size));
    }

    /** A proc_text or proc_bytes. */
    static byte[] bytes(Pointer struct, int offset) {
        int size = (int) struct.getLong(offset + Raw.OFFSET_OF_TEXT_SIZE);
        return size == 0 ? new byte[0] : struct.getPointer(offset).getByteArray(0, size);
    }

    static String string(Pointer struct, int offset) {
        return new String(bytes(struct, offset), StandardCharsets.UTF_8);
    }

    /** In this thread's own memory, until the next copy. */
    static Memory copy(byte[] bytes) {
        Memory memory = COPY.get();
        if (memory.size() < bytes.length) {
            memory = new Memory(bytes.length);
            COPY.set(memory);
        }
        memory.write(0, bytes, 0, bytes.length);
        return memory;
    }

    static Memory zeroed(int size) {
        Memory memory = new Memory(size);
        memory.clear();
        return memory;
    }

    /** A struct that begins with its size. */
    static Memory sized(int size) {
        Memory memory = zeroed(size);
        memory.setInt(0, size);
        return memory;
    }
}
