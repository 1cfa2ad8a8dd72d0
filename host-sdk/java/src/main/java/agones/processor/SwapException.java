// SPDX-License-Identifier: Apache-2.0
package agones.processor;

/** A swap failed; the old plugin goes on. */
public final class SwapException extends RuntimeException {
    private static final long serialVersionUID = 1;

    SwapException(String message) {
        super(message);
    }
}
