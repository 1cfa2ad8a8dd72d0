// SPDX-License-Identifier: Apache-2.0
package agones.processor;

import java.time.Duration;

/** A request ended without a game server. With {@link Delivery#UNKNOWN} one may have been allocated all the same. */
public final class AllocationException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final Outcome outcome;
    private final Delivery delivery;
    private final int code;
    private final String reason;
    private final transient byte[] request;
    private final Duration remaining;

    AllocationException(Outcome outcome, Delivery delivery, int code, String reason, byte[] request, Duration remaining) {
        super(outcome + "/" + delivery + (code != 0 ? " (code " + code + ")" : "") + (reason.isEmpty() ? "" : ": " + reason));
        this.outcome = outcome;
        this.delivery = delivery;
        this.code = code;
        this.reason = reason;
        this.request = request;
        this.remaining = remaining;
    }

    /** How it ended. */
    public Outcome outcome() {
        return outcome;
    }

    /** What became of it on the wire. */
    public Delivery delivery() {
        return delivery;
    }

    /** The processor's gRPC status code, with {@link Outcome#REJECTED}. */
    public int code() {
        return code;
    }

    /** The processor's text, why the stream was lost, or what a request that was not sent waited for. */
    public String reason() {
        return reason;
    }

    /** With {@link Delivery#NOT_SENT}: the serialized AllocationRequest, safe to send again. */
    public byte[] request() {
        return request.clone();
    }

    /** With {@link Delivery#NOT_SENT}: what was left of its time. */
    public Duration remaining() {
        return remaining;
    }
}
