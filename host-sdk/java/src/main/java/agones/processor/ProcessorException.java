// SPDX-License-Identifier: Apache-2.0
package agones.processor;

/** A call was refused; nothing has changed. The message names what is wrong. */
public final class ProcessorException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String status;

    ProcessorException(String status, String message) {
        super(status + ": " + message);
        this.status = status;
    }

    /** Such as "QUEUE_FULL", "INVALID_ARGUMENT". */
    public String status() {
        return status;
    }
}
