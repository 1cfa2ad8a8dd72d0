// SPDX-License-Identifier: Apache-2.0
package agones.processor;

/** The state of the connection, and why. */
public record Connection(State state, String reason) {
    /** Of the connection to the processor. */
    public enum State {
        CONNECTING, STANDBY, SERVING, BACKING_OFF, CLOSED;

        static State of(int value) {
            return values()[value - Raw.CONNECTION_CONNECTING];
        }
    }
}
