#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each language's client costs beside the C host, in one run: bench.py BUILD; writes tests/bench/results/bindings.md

Each round submits 10,000 requests, waits until all results wait, and takes them; medians of the last three of six rounds,
then of five runs that take turns. The plugin by itself; requests are {"namespace": "default"} as JSON.
"""
import json
import statistics
import sys
from pathlib import Path

import languages
from run import Processor, run_program

RUNS = 5
NAMES = {"c": "C", "lua": "LuaJIT", "rust": "Rust (tokio)", "csharp": "C# (Mono, Pump)", "go": "Go (purego)", "go-cgo": "Go (cgo)", "java": "Java (JNA)",
         "node": "Node.js (koffi)", "python": "Python (asyncio)"}
# Hand-written hosts on the raw functions, measured before: allocate, event.
RAW = {"lua": (198, 291), "rust": (198, 177), "go": (1011, 156), "go-cgo": (230, 283), "csharp": (202, 314), "java": (470, 579), "node": (310, 2381),
       "python": (2700, 3000)}


def measure(build):
    results = {name: [] for name in NAMES}
    for name in NAMES:
        languages.LANGUAGES[name].build(build)
    for _ in range(RUNS):
        for name in NAMES:
            with Processor(build, ["--servers", "61000"]) as processor:
                command, environment = languages.LANGUAGES[name].command(
                    build, ["bench", str(build / "plugin/libagones_processor.so"), processor.address, ""])
                environment.pop("AGONES_PROCESSOR_PLUGIN", None)
                command = [part for part in command if part != "-XX:TieredStopAtLevel=1"]  # for short runs
                result, problem = run_program(command, environment)
                if problem:
                    sys.exit(f"bench: {name}: {problem}")
                results[name].append(result)
                print(name, result, file=sys.stderr, flush=True)
    return {name: {key: statistics.median(one[key] for one in runs) for key in runs[0]} for name, runs in results.items()}


def table(results):
    base = results["c"]
    lines = ["# What each language's client costs", "", "`tests/bindings/bench.py build/release`; medians of five runs that took turns on two cores of a shared machine.", "",
             "| Client | allocate, ns | x C | an event, ns | x C | CPU an allocation, us | x C | raw host: allocate, event | of it |",
             "|---|---|---|---|---|---|---|---|---|"]
    for name, one in results.items():
        event = one.get("eventNs")
        raw = RAW.get(name)
        of_raw = f"{one['allocateNs'] / raw[0]:.1f} x, " + (f"{event / raw[1]:.1f} x" if event else "-") if raw else "-"
        lines.append(f"| {NAMES[name]} | {one['allocateNs']:,.0f} | {one['allocateNs'] / base['allocateNs']:.1f} | "
                     + (f"{event:,.0f} | {event / base['eventNs']:.1f}" if event else "- | -")
                     + f" | {one['cpuUs']:.2f} | {one['cpuUs'] / base['cpuUs']:.1f} | {f'{raw[0]:,}, {raw[1]:,}' if raw else '-'} | {of_raw} |")
    return "\n".join([*lines, "",
                      "An event is a future that is completed, with its game server as the language's own object; JSON languages parse the whole answer. Java: CPU time of the "
                      "thread that takes the events. Go: a goroutine for each request that waits for its answer, from the first to the last one's end, over their number. "
                      "The raw hosts were measured earlier, by hand, on another machine, without futures and objects.", ""])


def main():
    build = Path(sys.argv[1]).resolve()
    text = table(measure(build))
    (Path(__file__).resolve().parents[1] / "bench/results/bindings.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
