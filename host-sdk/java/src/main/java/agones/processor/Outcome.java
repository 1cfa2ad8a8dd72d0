// SPDX-License-Identifier: Apache-2.0
package agones.processor;

/** How a request ended. */
public enum Outcome {
    ALLOCATED, REJECTED, TIMEOUT, CANCELLED, DISCONNECTED, SHUTDOWN;

    static Outcome of(int value) {
        return values()[value - Raw.OUTCOME_ALLOCATED];
    }
}
