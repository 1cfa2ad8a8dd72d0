#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A whole host in Python, standard library only: python_host.py LIBRARY ADDRESS COUNT [SWAP_TO].

LIBRARY is the plugin or the host library; with the latter, SWAP_TO is a plugin to swap to while the requests are under
way. Prints one line a game server. Settings are given by name and events come as JSON, so no struct is described here.
"""
import ctypes as c
import json
import sys

ABI_VERSION = 1 << 16
CONFIG_SIZE = 1024  # more than proc_config has; the library uses what it knows
JSON_FORMAT, SWAP_RUNNING = 1, 1
JSON_CALLBACK = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(c.c_char), c.c_uint64)


class SwapReport(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("state", c.c_int32), ("from_version", c.c_char * 32),
                ("to_version", c.c_char * 32), ("moved", c.c_uint64), ("drained", c.c_uint64),
                ("longest_gap_us", c.c_uint64), ("unloaded", c.c_int32), ("reserved", c.c_int32),
                ("error", c.c_char * 512)]


class Library:
    """The library's functions; those that fail raise."""

    def __init__(self, path):
        self._library = c.CDLL(path)
        self._library.proc_status_string.restype = c.c_char_p

    def call(self, name, *arguments):
        error = c.create_string_buffer(512)
        status = getattr(self._library, name)(*arguments, error, c.c_uint64(len(error)))
        if status != 0:
            sys.exit(f"{self._library.proc_status_string(status).decode()}: {error.value.decode()}")


def main(path, address, count, swap_to=None):
    proc = Library(path)
    config = (c.c_uint64 * (CONFIG_SIZE // 8))()
    proc.call("proc_config_init", ABI_VERSION, config, CONFIG_SIZE)
    for name, value in {"processor_address": address, "transport": "plaintext"}.items():
        proc.call("proc_config_set", config, name.encode(), value.encode())
    client = c.c_void_p()
    proc.call("proc_init", config, c.byref(client))

    body = json.dumps({"namespace": "default"}).encode()
    for token in range(count):
        proc.call("proc_allocate", client, JSON_FORMAT, body, c.c_uint64(len(body)), 0, c.c_uint64(token), None)

    outcomes = {}

    @JSON_CALLBACK
    def on_event(_, text, size):
        event = json.loads(text[:size])
        if event["type"] == "RESULT":
            outcomes[event["token"]] = event["outcome"]
            if event["outcome"] == "ALLOCATED":
                server = event["gameServer"]
                print(f"{server['gameServerName']} {server['address']}:{server['ports'][0]['port']}")
            else:
                print(event["outcome"], event.get("message", ""), file=sys.stderr)

    def poll(wait_ms):
        proc.call("proc_poll_json", client, on_event, None, 0, 0, wait_ms, None, None)

    if swap_to is not None:
        report = SwapReport(struct_size=c.sizeof(SwapReport))
        proc.call("proc_swap", client, swap_to.encode(), None)
        while True:
            poll(100)
            proc.call("proc_get_swap_report", client, c.byref(report))
            if report.state != SWAP_RUNNING:
                break
        print(f"{report.from_version.decode()} -> {report.to_version.decode()}: {report.error.decode() or 'done'}",
              file=sys.stderr)
    while len(outcomes) < count:
        poll(1000)
    proc.call("proc_shutdown", client, 1000)
    poll(0)
    proc.call("proc_destroy", client)
    return 0 if list(outcomes.values()).count("ALLOCATED") == count else 1


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: python_host.py LIBRARY ADDRESS COUNT [SWAP_TO]")
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
