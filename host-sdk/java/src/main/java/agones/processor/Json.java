// SPDX-License-Identifier: Apache-2.0
package agones.processor;

import java.util.Map;

/** Requests from maps, lists, texts, numbers and booleans; what reads them checks them. */
final class Json {
    private Json() {}

    static String write(Object value) {
        StringBuilder text = new StringBuilder();
        write(value, text);
        return text.toString();
    }

    private static void write(Object value, StringBuilder text) {
        if (value instanceof CharSequence) {
            writeText(value.toString(), text);
        } else if (value instanceof Map<?, ?> members) {
            String before = "{";
            for (Map.Entry<?, ?> member : members.entrySet()) {
                text.append(before);
                before = ",";
                writeText(member.getKey().toString(), text);
                write(member.getValue(), text.append(':'));
            }
            text.append(members.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> values) {
            String before = "[";
            for (Object one : values) {
                write(one, text.append(before));
                before = ",";
            }
            text.append(before.equals("[") ? "[]" : "]");
        } else if (value == null || value instanceof Number || value instanceof Boolean) {
            text.append(value);
        } else {
            throw new IllegalArgumentException(value.getClass() + " has no place in a request");
        }
    }

    private static void writeText(String value, StringBuilder text) {
        text.append('"');
        for (int i = 0; i < value.length(); ++i) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < ' ') {
                text.append(String.format("\\u%04x", (int) c));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }
}
