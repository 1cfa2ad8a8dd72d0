// SPDX-License-Identifier: Apache-2.0
package agones.processor;

/** What became of a request on the wire. UNKNOWN: sent, not answered. */
public enum Delivery {
    NOT_SENT, UNKNOWN, DONE;

    static Delivery of(int value) {
        return values()[value - Raw.DELIVERY_NOT_SENT];
    }
}
