#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The default beside plain batches and the Go client, at processors of every kind: tables and plots in tests/bench/results/sizes*.

  sizes.py BUILD                 all of it, in one run; about forty minutes
  sizes.py BUILD --only TEXT     the cases alone whose name has TEXT in it; the others stay as they were measured
  sizes.py BUILD --report        writes tables and plots anew from sizes.json

A case is a processor and what is sent to it. Each client has a processor and a process of its own, and they take turns. Plain batches are
the plugin with fixed_batches: all that waits, up to 1,000 requests, on one stream. The Go client is the one of tests/interop, which
sends all that waits as one message for each pull.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import report
from run import RESULTS, Clients, Server, machine, turn

REPETITIONS = 5
AUTOMATIC, PLAIN, GO = "automatic", "plain", "Go client"
USED = "automatic, in use"  # a few requests before, so that its streams are open
IDEAL = "ideal"             # by calculation, each request answered by itself as soon as that processor can
OPTIONS = {AUTOMATIC: {}, USED: {"used_seconds": 2}, PLAIN: {"fixed_batches": 1_000, "max_streams": 1}, GO: {}}

# Of the local processor; none: the Go processor of tests/interop, which answers at once.
EVERY_50, EVERY_100, AT_ONCE = ["--work-ms", "50"], ["--work-ms", "100"], None
NONE_SLOW = ["--like-agones", "--update-ms", "20"]
SLOW_TAIL = [*NONE_SLOW, "--slow-update-rate", "0.01", "--slow-update-ms", "2000"]
FORTY_A_SECOND = [*NONE_SLOW, "--updates-per-second", "40", "--update-burst", "40"]


@dataclass(frozen=True)
class Case:
    name: str
    processor: list
    load: dict  # options of bench-client
    clients: tuple = (AUTOMATIC, PLAIN, GO)
    at_once: int = 1  # clients that run at a time


def paced(rate, requests, **more):
    return {"mode": "paced", "rate": rate, "requests": requests, **more}


def under_way(in_flight, requests, **more):
    return {"mode": "load", "in_flight": in_flight, "requests": requests, **more}


def burst(requests, **more):
    return {"mode": "burst", "requests": requests, **more}


TWO, BURSTING, TAIL = (AUTOMATIC, PLAIN), (AUTOMATIC, USED, PLAIN, GO), (AUTOMATIC, USED, PLAIN, GO, IDEAL)
TIME_BURSTS, TAIL_BURSTS, ONCE_BURSTS = (10, 100, 1_000, 10_000), (10, 100, 2_000), (10, 1_000, 10_000)
CASES = (
    Case("cold start: 1,000 a second, 100 ms a batch", EVERY_100, paced(1_000, 2_000)),
    Case("the same with a timeout of 500 ms", EVERY_100, paced(1_000, 4_000, timeout_ms=500), TWO),
    Case("the same with a timeout of 250 ms", EVERY_100, paced(1_000, 4_000, timeout_ms=250), TWO),
    Case("50 ms a batch, 200 a second", EVERY_50, paced(200, 1_000)),
    Case("50 ms a batch, 1,000 a second", EVERY_50, paced(1_000, 4_000)),
    Case("50 ms a batch, 1,000 under way", EVERY_50, under_way(1_000, 50_000)),
    Case("50 ms a batch, 10,000 under way", EVERY_50, under_way(10_000, 150_000)),
    Case("50 ms a batch, 100,000 under way", EVERY_50, under_way(100_000, 500_000), TWO),  # a message of the Go client's gets too large
    Case("50 ms a batch, 4 clients, 10,000 under way each", EVERY_50, under_way(10_000, 100_000), TWO, at_once=4),
    *(Case(f"50 ms a batch, a burst of {size:,}", EVERY_50, burst(size, pause_ms=300), BURSTING) for size in TIME_BURSTS),
    Case("like Agones, none slow: 2 a second", NONE_SLOW, paced(2, 12)),
    Case("like Agones, none slow: 25 a second", NONE_SLOW, paced(25, 125)),
    Case("like Agones, none slow: a burst of 500", NONE_SLOW, burst(500)),
    Case("like Agones, 40 updates a second: 70 a second for 5 s", FORTY_A_SECOND, paced(70, 350)),
    Case("like Agones with the tail: 300 a second", SLOW_TAIL, paced(300, 1_500), TWO),
    *(Case(f"like Agones with the tail: a burst of {size:,}", SLOW_TAIL, burst(size), BURSTING if size < 2_000 else TAIL)
      for size in TAIL_BURSTS),
    Case("at once: 50 a second", AT_ONCE, paced(50, 250)),
    Case("at once: 200 a second", AT_ONCE, paced(200, 1_000)),
    Case("at once: 1,000 under way", AT_ONCE, under_way(1_000, 20_000)),
    Case("at once: 1,000,000 under way", AT_ONCE, under_way(1_000_000, 1_500_000), TWO),
    *(Case(f"at once: a burst of {size:,}", AT_ONCE, burst(size, pause_ms=300), BURSTING) for size in ONCE_BURSTS),
    Case("at once: idle after a burst of 1,000", AT_ONCE, {"mode": "idle", "after_burst": 1_000, "seconds": 10}, TWO),
)
STREAMS = (2, 4, 8, 16, 32, 64)
STREAM_BURST, STREAM_LOAD = "at most {} streams: a burst of 2,000", "at most {} streams: 10,000 under way"
STREAM_CASES = tuple(case for count in STREAMS for case in (
    Case(STREAM_BURST.format(count), SLOW_TAIL, burst(2_000, max_streams=count), (USED,)),
    Case(STREAM_LOAD.format(count), EVERY_50, under_way(10_000, 100_000, max_streams=count), (AUTOMATIC,))))
# Figures, how they are called, and how one of them is worse: the larger or the smaller.
FIGURES = (("meanMs", "mean, ms"), ("p99Ms", "p99, ms"), ("perSecond", "a second"), ("cpuUs", "CPU us"), ("cpuPercent", "CPU % of a core"),
           ("unknown", "UNKNOWN"), ("streamsOpened", "streams opened"))
LARGER_IS_BETTER = ("perSecond",)
NEITHER_IS_BETTER = ("streamsOpened",)
FOLLOW_SECONDS, FOLLOW_RATES = 30, ((0, 400), (10, 4_000), (20, 400))


def local_processor(build, folder, options, servers):
    """With game servers for all: to end their sessions would take it more time than to allocate them."""
    fleet_file = Path(folder) / "fleet.json"
    fleet = {"fleet": "local", "replicas": servers, "labels": {"agones.dev/sdk-gs-session-ready": "true"}}
    fleet_file.write_text(json.dumps({"gameServers": [fleet]}))
    return Server([build / "sample-host/local-processor", "--listen", "127.0.0.1:0", "--fleet-file", fleet_file, *options])


class Bench:
    def __init__(self, build, folder):
        self._build = build
        self._folder = folder
        self._clients = Clients(build, folder)

    def measure(self, case, repetition):
        for client in turn(case.clients, repetition):
            if client == IDEAL:
                figures = self._ideal(case, repetition)
            else:
                with self._server(case, repetition) as server:
                    figures = self._run(case, client, server, repetition)
            result = {"case": case.name, "client": client, **figures}
            print(json.dumps(result), file=sys.stderr)
            yield result

    def _server(self, case, repetition):
        if case.processor is AT_ONCE:
            return Server([self._build / "tests/interop/programs/go-processor", "--serialize-sends", "--pull-interval", "200ms"])
        servers = 10_000 + case.at_once * case.load["requests"]
        return local_processor(self._build, self._folder, [*case.processor, "--seed", str(repetition + 1)], servers)

    def _run(self, case, client, server, repetition):
        """What one client measures, or the mean of several that run at once; of throughput the sum."""
        options = {"seed": repetition + 1, **OPTIONS[client], **case.load}
        mode = options.pop("mode")
        running = [self._clients.start("go" if client == GO else "plugin", mode, server, **options) for _ in range(case.at_once)]
        results = [Clients.result(process) for process in running]
        for result in results:
            if "latencyMs" in result:
                result["meanMs"] = report.mean(result["latencyMs"])
                result["p99Ms"] = sorted(result["latencyMs"])[int(0.99 * (len(result["latencyMs"]) - 1))]
        together = {key: report.mean([result[key] for result in results]) for key, _ in FIGURES if key in results[0]}
        if "perSecond" in together:
            together["perSecond"] *= case.at_once
        return together

    def _ideal(self, case, repetition):
        result = json.loads(subprocess.run(
            [self._build / "tests/bench-client", "--mode", "ideal", "--requests", str(case.load["requests"]), "--seed", str(repetition + 1)],
            check=True, capture_output=True, text=True).stdout)
        return {key: result[key] for key, _ in FIGURES if key in result}

    def follow(self):
        with tempfile.TemporaryDirectory() as folder:
            url_file = Path(folder) / "url"
            options = [*NONE_SLOW, "--http", "127.0.0.1:0", "--http-port-file", str(url_file)]
            with local_processor(self._build, self._folder, options, 200_000) as server:
                change(url_file, FOLLOW_RATES[0][1])
                client = self._clients.start("plugin", "follow", server, in_flight=20_000, seconds=FOLLOW_SECONDS)
                start = time.monotonic()
                for at, rate in FOLLOW_RATES[1:]:
                    time.sleep(max(0, start + at - time.monotonic()))
                    change(url_file, rate)
                return Clients.result(client)["samples"]


def change(url_file, rate):
    while not url_file.exists():
        time.sleep(0.01)
    # All that may be under way at a time is enough for 4,000 a second.
    body = json.dumps({"updates_per_second": rate, "update_burst": 1}).encode()
    request = urllib.request.Request(url_file.read_text().strip() + "timing", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def measure(build, cases):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(build, folder)
        for repetition in range(REPETITIONS):
            print(f"bench: repetition {repetition + 1} of {REPETITIONS}", file=sys.stderr)
            for case in cases:
                yield from bench.measure(case, repetition)


class Results:
    def __init__(self, records):
        self._records = records

    def median(self, case, client, key):
        """None where that client was not measured, or not this figure of it."""
        values = [r[key] for r in self._records if r["case"] == case and r["client"] == client and key in r]
        return report.median(values) if values else None

    def repetitions(self):
        """The fewest and the most of a case and a client."""
        counts = Counter((r["case"], r["client"]) for r in self._records)
        return min(counts.values()), max(counts.values())


def number(value, key):
    if value is None:
        return ""
    digits = 0 if value >= 100 or key in ("unknown", "streamsOpened") else 2 if value < 10 else 1
    return f"{value:,.{digits}f}"


def worse_by(mine, plain, key):
    if key in NEITHER_IS_BETTER:
        return ""
    better, worse = (mine, plain) if key in LARGER_IS_BETTER else (plain, mine)
    ratio = worse / better if better else (1 if not worse else float("inf"))
    return f"{ratio:.2f} x" if ratio > 1.02 else ""


def case_rows(results):
    """Each figure of each case; the last column says by how much the default is worse than plain batches, where it is."""
    for case in CASES:
        for key, figure in FIGURES:
            mine, used, plain, go = (results.median(case.name, client, key) for client in (AUTOMATIC, USED, PLAIN, GO))
            if mine is not None:
                yield [case.name, figure, *(number(value, key) for value in (mine, used, plain, go)), worse_by(mine, plain, key)]


def tail_rows(results):
    case = f"like Agones with the tail: a burst of {TAIL_BURSTS[-1]:,}"
    for client, limits in ((USED, (1.15, 1.05)), (AUTOMATIC, (1.25, 1.05))):
        for (key, figure), limit in zip((("meanMs", "mean"), ("p99Ms", "p99")), limits):
            mine, ideal = results.median(case, client, key), results.median(case, IDEAL, key)
            yield [client, figure, f"{mine:,.0f} ms", f"{ideal:,.0f} ms", f"{mine / ideal:.2f} x", f"{limit} x", "yes" if mine <= limit * ideal else "**no**"]


def stream_rows(results):
    for count in STREAMS:
        waits = [number(results.median(STREAM_BURST.format(count), USED, key), key) for key in ("meanMs", "p99Ms")]
        loads = [number(results.median(STREAM_LOAD.format(count), AUTOMATIC, key), key) for key in ("perSecond", "cpuUs")]
        yield [count, *waits, *loads]


def write(measured, folder):
    results, on = Results(measured["results"]), measured["machine"]
    fewest, most = results.repetitions()
    (folder / "sizes.md").write_text(f"""# The size of batches

`tests/bench/sizes.py build/release` on {on['cores']} cores ({on['cpu']}, Linux {on['kernel']}, shared with other work): medians of {fewest if fewest == most else f"{fewest} to {most}"}
repetitions, clients taking turns. The processor, on the same cores, pulls every 200 ms:

| Processor | What it does | Which one |
|---|---|---|
| 50 (100) ms a batch | the same time for every batch, whatever its size | `local-processor {' '.join(EVERY_50)}` |
| like Agones, none slow | gathers for 50 ms, then 400 updates a second after a burst of 500, 100 at a time, 20 ms each; a batch is answered when its last request is | `local-processor {' '.join(NONE_SLOW)}` |
| like Agones with the tail | one update of a hundred takes 2 s | `local-processor {' '.join(SLOW_TAIL)}` |
| at once | nothing waits | `go-processor` of tests/interop |

| Client | What it sends |
|---|---|
| automatic | the plugin at its defaults. It has just connected; "in use": with a few requests before, so that streams are open |
| plain | the plugin with `fixed_batches` = 1,000 on one stream: all that waits goes with the next batch |
| Go client | the one of tests/interop, built as Agones' is known to work: everything as one message for each pull |

Raw values: [sizes.json](sizes.json).

## Beside plain batches

The last column says by how much the default of a client that has just connected is worse than plain batches, where it is. CPU is that of the client's process, an allocation.

{report.table(["Case", "Figure", AUTOMATIC, USED, PLAIN, GO, "worse than plain by"], case_rows(results))}

![A burst at 50 ms a batch](sizes-time.svg)
![A burst at a processor like Agones'](sizes-agones.svg)
![A burst at a processor that answers at once](sizes-once.svg)

## Beside the best that there is

A burst of 2,000, like Agones with the tail. *Ideal*: by calculation, each request answered by itself in the order they came, as soon as that processor can.

{report.table(["Client", "Figure", "its", IDEAL, "ratio", "at most", "met"], tail_rows(results))}

## What streams win that sizes do not

The automatic sizes, on at most that number of streams:

{report.table(["streams", "burst of 2,000, like Agones with the tail: mean, ms", "p99", "50 ms a batch, 10,000 under way: a second", "CPU us"], stream_rows(results))}

## The window while the processor's rate changes tenfold

20,000 under way at the host; 400 updates a second, from 10 s on 4,000, from 20 s on 400 again, no burst saved up, no slow ones.

![The window over time](sizes-follow.svg)
""")
    plot(results, measured["follow"], folder)


def plot(results, samples, folder):
    for kind, prefix, sizes, file in (("50 ms a batch", "50 ms a batch, ", TIME_BURSTS, "sizes-time.svg"),
                                      ("like Agones with the tail", "like Agones with the tail: ", TAIL_BURSTS, "sizes-agones.svg"),
                                      ("at once", "at once: ", ONCE_BURSTS, "sizes-once.svg")):
        lines = {client: [(size, results.median(f"{prefix}a burst of {size:,}", client, "meanMs")) for size in sizes] for client in BURSTING}
        report.draw(folder / file, f"A burst, {kind}: mean time to an answer", "requests", "milliseconds", lines, "set logscale xy; set key left top")
    lines = {"answers a second": [(s["s"], max(s["perSecond"], 1)) for s in samples], "window, requests": [(s["s"], s["window"]) for s in samples],
             "requests a batch": [(s["s"], s["batchSize"]) for s in samples if s["batchSize"]]}
    report.draw(folder / "sizes-follow.svg", "The processor's rate changes tenfold at 10 s and at 20 s", "seconds", "", lines,
                "set logscale y; set yrange [1:20000]; set key right top", style="lines")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="build folder, such as build/release")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--only", metavar="TEXT")
    options = parser.parse_args()
    raw = RESULTS / "sizes.json"
    measured = json.loads(raw.read_text()) if options.report or options.only is not None else {}
    if not options.report:
        cases = [case for case in (*CASES, *STREAM_CASES) if (options.only or "") in case.name]
        if not cases:
            sys.exit(f"bench: --only: no case has this in its name: '{options.only}'")
        build, again = options.build.resolve(), {case.name for case in cases}
        kept = [result for result in measured.get("results", []) if result["case"] not in again]
        follow = measured["follow"] if options.only is not None else follow_of(build)
        measured = {"machine": machine(), "follow": follow, "results": kept + list(measure(build, cases))}
        raw.write_text(text_of(measured))
    write(measured, RESULTS)
    print((RESULTS / "sizes.md").read_text())


def follow_of(build):
    with tempfile.TemporaryDirectory() as folder:
        return Bench(build, folder).follow()


def text_of(measured):
    """JSON with a line a result, so that two runs can be compared."""
    lines = ",\n".join("  " + json.dumps(result) for result in measured["results"])
    rest = {key: value for key, value in measured.items() if key != "results"}
    return json.dumps(rest)[:-1] + ', "results": [\n' + lines + "\n]}\n"


if __name__ == "__main__":
    main()
