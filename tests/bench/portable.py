#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The portable plugin beside the default one, in turns, medians: tests/bench/portable.py build/release build/portable > tests/bench/results/portable.md"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import report
from run import Clients, Server

TURNS = 7
# A process of its own for each: how long dlopen takes, and what memory it costs.
LOAD = """
import ctypes, json, sys, time
def resident(): return int(open("/proc/self/statm").read().split()[1]) * 4096
before, start = resident(), time.perf_counter()
ctypes.CDLL(sys.argv[1])
print(json.dumps({"loadMs": (time.perf_counter() - start) * 1e3, "loadedBytes": resident() - before}))
"""


def main():
    release, portable = (Path(argument).resolve() for argument in sys.argv[1:3])
    files = {"default": release / "plugin/libagones_processor.so", "portable": portable / "plugin/libagones_processor.so"}
    results = {name: [] for name in files}
    with tempfile.TemporaryDirectory() as folder:
        fleet_file = Path(folder) / "fleet.json"
        fleet_file.write_text(json.dumps({"gameServers": [{"fleet": "local", "replicas": 200_000}]}))
        clients = Clients(release, folder)
        with Server([release / "sample-host/local-processor", "--listen", "127.0.0.1:0", "--fleet-file", fleet_file, "--pull-interval-ms", "20",
                     "--session-ms", "1"]) as server:
            for turn in range(TURNS):
                for name in sorted(files, reverse=turn % 2 == 1):
                    loaded = json.loads(subprocess.run([sys.executable, "-c", LOAD, files[name]], check=True, capture_output=True, text=True).stdout)
                    os.environ["AGONES_PLUGIN"] = str(files[name])
                    results[name].append({**loaded, **clients.measure("plugin", "load", server, requests=1_000_000, in_flight=10_000)})
    median = {name: {key: report.median(one[key] for one in all_of) for key in ("loadMs", "loadedBytes", "cpuUs")} for name, all_of in results.items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, file in files.items():
            stripped = Path(folder) / "stripped.so"
            subprocess.run(["strip", "--strip-unneeded", "-o", stripped, file], check=True)
            median[name]["bytes"] = stripped.stat().st_size
    print(f"# The portable plugin beside the default one\n\nMedians of {TURNS}, in turns; `tests/bench/portable.py build/release build/portable`.\n")
    print("| | default | portable | of it |\n|---|---|---|---|")
    for key, text, unit in (("loadMs", "dlopen, ms", 1), ("loadedBytes", "memory after dlopen, MB", 1e6), ("cpuUs", "CPU an allocation, 10,000 in flight, us", 1),
                            ("bytes", "file, stripped, MB", 1e6)):
        default, own = median["default"][key] / unit, median["portable"][key] / unit
        print(f"| {text} | {default:.2f} | {own:.2f} | {own / default:.2f} |")


if __name__ == "__main__":
    main()
