// SPDX-License-Identifier: Apache-2.0
package agones.processor;

import java.util.Map;
import java.util.function.Function;

/** What was allocated. */
public final class GameServer {
    private final String name;
    private final String address;
    private final String nodeName;
    private final String source;
    private final Map<String, Integer> ports;
    private final byte[] response;
    private final Function<byte[], String> toJson;

    GameServer(String name, String address, String nodeName, String source, Map<String, Integer> ports, byte[] response,
            Function<byte[], String> toJson) {
        this.name = name;
        this.address = address;
        this.nodeName = nodeName;
        this.source = source;
        this.ports = ports;
        this.response = response;
        this.toJson = toJson;
    }

    public String name() {
        return name;
    }

    public String address() {
        return address;
    }

    public String nodeName() {
        return nodeName;
    }

    /** The cluster that allocated it; "local" for its own. */
    public String source() {
        return source;
    }

    /** By name. */
    public Map<String, Integer> ports() {
        return ports;
    }

    /** The whole answer: a serialized AllocationResponse. */
    public byte[] responseBytes() {
        return response.clone();
    }

    /** The whole answer as proto3 JSON: labels, annotations, counters, lists, addresses. */
    public String response() {
        return toJson.apply(response);
    }

    @Override
    public String toString() {
        return name + " at " + address;
    }
}
