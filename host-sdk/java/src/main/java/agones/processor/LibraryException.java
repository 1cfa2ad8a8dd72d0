// SPDX-License-Identifier: Apache-2.0
package agones.processor;

/** The library can't be loaded, or has another major version. */
public final class LibraryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    LibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
