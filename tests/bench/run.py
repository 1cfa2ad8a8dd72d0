#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the plugin beside a bare gRPC loop: run.py BUILD_FOLDER [--guard] [--json FILE]

The two take turns against one local processor, five times; the table shows medians and spreads. --guard is the short
form for tests: it fails if the plugin costs more CPU per allocation than the bare loop.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def start_processor(build, folder, servers):
    port_file = Path(folder) / "port"
    fleet_file = Path(folder) / "fleet.json"
    fleet = {"fleet": "local", "replicas": servers, "labels": {"agones.dev/sdk-gs-session-ready": "true"}}
    fleet_file.write_text(json.dumps({"gameServers": [fleet]}))
    process = subprocess.Popen(
        [build / "sample-host/local-processor", "--listen", "127.0.0.1:0", "--port-file", port_file,
         "--fleet-file", fleet_file, "--pull-interval-ms", "20", "--return-after-ms", "1"],
        stdout=subprocess.DEVNULL)
    for _ in range(1200):
        if port_file.exists():
            return process, port_file.read_text().strip()
        time.sleep(0.05)
    process.kill()
    sys.exit("bench: the local processor did not start")


def measure(build, kind, address, requests, in_flight):
    done = subprocess.run([build / "tests/bench-client", kind, address, str(requests), str(in_flight)],
                          check=True, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout)


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--guard", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    repetitions = 3 if options.guard else 5
    rows = [(10_000, 100_000)] if options.guard else [(1_000, 200_000), (10_000, 400_000), (100_000, 400_000)]

    results = []
    with tempfile.TemporaryDirectory() as folder:
        process, address = start_processor(options.build, folder, 200_000)
        try:
            for in_flight, requests in rows:
                for repetition in range(repetitions):
                    kinds = ["plugin", "bare"] if repetition % 2 == 0 else ["bare", "plugin"]
                    results += [measure(options.build, kind, address, requests, in_flight) for kind in kinds]
        finally:
            process.terminate()
            process.wait()

    print("| in flight | plugin: CPU us per allocation | bare loop | ratio | plugin: bytes per pending |")
    print("|---|---|---|---|---|")
    worst = 0.0
    for in_flight, _ in rows:
        of = {kind: [r for r in results if r["kind"] == kind and r["inFlight"] == in_flight]
              for kind in ("plugin", "bare")}
        cpu = {kind: [r["cpuUs"] for r in of[kind]] for kind in of}
        ratio = statistics.median(cpu["plugin"]) / statistics.median(cpu["bare"])
        worst = max(worst, ratio)
        memory = statistics.median(r["bytesPerPending"] for r in of["plugin"])
        print(f"| {in_flight} | {spread(cpu['plugin'])} | {spread(cpu['bare'])} | {ratio:.2f} | {memory:.0f} |")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.guard and worst > 1.0:
        sys.exit(f"bench: {worst:.2f} of the bare loop's CPU per allocation, at most 1.0 is allowed")


if __name__ == "__main__":
    main()
