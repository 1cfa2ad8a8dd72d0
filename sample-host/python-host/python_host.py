#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A whole host in Python, standard library only: python_host.py PLUGIN ADDRESS COUNT.

Prints one line a game server. It takes its events as an array, so that no call comes from C into Python.
"""
import ctypes as c
import json
import sys


class Text(c.Structure):  # proc_text, proc_bytes
    _fields_ = [("data", c.c_void_p), ("size", c.c_uint64)]

    def str(self):
        return c.string_at(self.data, self.size).decode() if self.size else ""


def text(value):
    """The text and what keeps it alive."""
    raw = c.create_string_buffer(value.encode())
    return Text(c.addressof(raw), len(raw) - 1), raw


class Port(c.Structure):
    _fields_ = [("name", Text), ("port", c.c_int32), ("reserved", c.c_int32)]


class Event(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("type", c.c_int32), ("request_id", c.c_uint64),
                ("user_data", c.c_void_p), ("outcome", c.c_int32), ("delivery", c.c_int32), ("code", c.c_int32),
                ("reserved", c.c_int32), ("batch_id", c.c_uint64), ("message", Text), ("latency_us", c.c_uint64),
                ("game_server_name", Text), ("address", Text), ("node_name", Text), ("source", Text),
                ("ports", c.POINTER(Port)), ("port_count", c.c_uint64), ("addresses", c.c_void_p),
                ("address_count", c.c_uint64), ("response", Text), ("request", Text), ("remaining_ms", c.c_uint32),
                ("connection", c.c_int32), ("retry_after_ms", c.c_uint32), ("severity", c.c_int32),
                ("channel", Text)]


class Config(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("abi_version", c.c_uint32), ("client_id", Text),
                ("processor_address", Text), *[(name, c.c_uint32) for name in (
                    "max_batch_size", "max_batch_bytes", "max_unanswered_batches", "max_pending_requests",
                    "max_message_bytes", "max_unpolled_bytes", "allocation_timeout_ms", "reconnect_initial_ms", "reconnect_max_ms",
                    "reconnect_jitter_percent", "connect_timeout_ms", "keepalive_time_ms", "keepalive_timeout_ms",
                    "pull_timeout_ms", "pull_credit", "fail_fast", "resend_may_allocate_twice")],
                ("transport", c.c_int32), *[(name, Text) for name in (
                    "tls_ca_file", "tls_ca_pem", "tls_certificate_file", "tls_certificate_pem", "tls_key_file",
                    "tls_key_pem", "tls_server_name")],
                ("log_level", c.c_int32), ("answer_timeout_ms", c.c_uint32), ("on_event", c.c_void_p),
                ("event_context", c.c_void_p), ("on_log", c.c_void_p), ("log_context", c.c_void_p)]


class Request(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("format", c.c_int32), ("body", Text), ("user_data", c.c_void_p),
                ("timeout_ms", c.c_uint32), ("reserved", c.c_uint32)]


ABI_VERSION = 1 << 16
PLAINTEXT, JSON, RESULT, ALLOCATED = 1, 1, 1, 1


def main(plugin, address, count):
    proc = c.CDLL(plugin)
    proc.proc_status_string.restype = c.c_char_p
    error = c.create_string_buffer(256)

    def check(status):
        if status != 0:
            sys.exit(f"{proc.proc_status_string(status).decode()}: {error.value.decode()}")

    config = Config()
    check(proc.proc_config_init(ABI_VERSION, c.byref(config), c.sizeof(config)))
    config.processor_address, keep_address = text(address)
    config.transport = PLAINTEXT
    client = c.c_void_p()
    check(proc.proc_init(c.byref(config), c.byref(client), error, c.c_uint64(len(error))))

    body, keep_body = text(json.dumps({"namespace": "default"}))
    request = Request(c.sizeof(Request), JSON, body)
    for _ in range(count):
        check(proc.proc_allocate(client, c.byref(request), None, error, c.c_uint64(len(error))))

    events, got, ended, allocated = (Event * 64)(), c.c_uint32(), 0, 0
    while ended < count:
        check(proc.proc_poll_events(client, events, c.sizeof(Event), len(events), 1000, c.byref(got)))
        for event in events[:got.value]:
            if event.type == RESULT:
                ended += 1
                if event.outcome == ALLOCATED:
                    allocated += 1
                    print(f"{event.game_server_name.str()} {event.address.str()}:{event.ports[0].port}")
                else:
                    print(event.message.str(), file=sys.stderr)
    check(proc.proc_shutdown(client, 1000, error, c.c_uint64(len(error))))
    check(proc.proc_destroy(client))
    return 0 if allocated == count else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python_host.py PLUGIN ADDRESS COUNT")
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
