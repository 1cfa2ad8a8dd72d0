#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How large batches are, and on how many streams, at processors of three kinds: tables and plots in tests/bench/results/sizes*.

  sizes.py BUILD              all of it, in one run; about thirty minutes
  sizes.py BUILD --plain      the default beside plain batches alone; about ten minutes
  sizes.py BUILD --report     writes tables and plots anew from sizes.json

The processors are the local one: 50 ms a batch whatever its size; like Agones' (400 updates a second, burst 500, 100 at a time, 50 ms of
gathering, 20 ms an update, one of a hundred 2 s); at once. The clients: the plugin as it is; with fixed batches of 100 and of 1,000
on one stream (1,000 is how it was before batches followed the processor); the Go client of tests/interop, which sends all as one message.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import report
from run import RESULTS, Clients, Server, machine, turn

REPETITIONS = 3
PLAIN_REPETITIONS = 5
AUTOMATIC, FIXED_100, FIXED_1000, GO = "automatic", "fixed 100", "fixed 1,000", "Go client"
CLIENTS = {AUTOMATIC: {}, FIXED_100: {"fixed_batches": 100, "max_streams": 1}, FIXED_1000: {"fixed_batches": 1_000, "max_streams": 1}, GO: {}}
USED = "automatic, in use"  # a few requests before, so that its streams are open
FIXED_TIME, LIKE_AGONES, AT_ONCE, NONE_SLOW = "50 ms a batch", "like Agones", "at once", "like Agones, none slow"
SLOW_TAIL = ["--like-agones", "--update-ms", "20", "--slow-update-rate", "0.01", "--slow-update-ms", "2000"]
PROCESSORS = {FIXED_TIME: ["--work-ms", "50"], LIKE_AGONES: SLOW_TAIL, AT_ONCE: [], NONE_SLOW: SLOW_TAIL[:3]}
# In flight: who, and how many requests each sends.
LOAD = {10_000: {AUTOMATIC: 600_000, FIXED_100: 10_000, FIXED_1000: 100_000, GO: 150_000},
        100_000: {AUTOMATIC: 1_000_000, FIXED_1000: 200_000}}
BURSTS = {FIXED_TIME: (10, 100, 1_000, 10_000), LIKE_AGONES: (10, 100, 2_000), AT_ONCE: (10, 1_000, 10_000)}
STREAMS = (2, 4, 8, 16, 32, 64)
# The Go processor of tests/interop, which answers at once and twice as fast as the local one: in flight, and how many requests.
QUICK_LOAD = {1_000: 300_000, 10_000: 300_000, 1_000_000: 1_500_000}
QUICK_RATES = {50: 100, 1_000: 2_000}  # requests a second, and how many
STEADY_RATE, STEADY_REQUESTS = 300, 3_000
# The default beside plain batches: the name of the case, the processor's options, and what is sent to it.
PLAIN = (
    ("cold start: 1,000 a second, 100 ms a batch", ["--work-ms", "100"], {"mode": "paced", "requests": 2_000, "rate": 1_000}),
    ("the same with a timeout of 250 ms", ["--work-ms", "100"], {"mode": "paced", "requests": 8_000, "rate": 1_000, "timeout_ms": 250}),
    ("50 ms a batch, 200 a second", ["--work-ms", "50"], {"mode": "paced", "requests": 1_000, "rate": 200}),
    ("50 ms a batch, 1,000 a second", ["--work-ms", "50"], {"mode": "paced", "requests": 5_000, "rate": 1_000}),
    ("50 ms a batch, 1,000 under way", ["--work-ms", "50"], {"mode": "load", "requests": 100_000, "in_flight": 1_000}),
    ("50 ms a batch, 10,000 under way", ["--work-ms", "50"], {"mode": "load", "requests": 100_000, "in_flight": 10_000}),
    ("50 ms a batch, a burst of 100", ["--work-ms", "50"], {"mode": "burst", "requests": 100}),
    ("50 ms a batch, a burst of 1,000", ["--work-ms", "50"], {"mode": "burst", "requests": 1_000}),
    ("like Agones, none slow: 2 a second", PROCESSORS[NONE_SLOW], {"mode": "paced", "requests": 20, "rate": 2}),
    ("like Agones, none slow: 25 a second", PROCESSORS[NONE_SLOW], {"mode": "paced", "requests": 250, "rate": 25}),
    ("like Agones, none slow: a burst of 500", PROCESSORS[NONE_SLOW], {"mode": "burst", "requests": 500}),
    ("like Agones with the tail: a burst of 2,000", SLOW_TAIL, {"mode": "burst", "requests": 2_000}),
    ("at once: 50 a second", [], {"mode": "paced", "requests": 500, "rate": 50}),
    ("at once: 200 a second", [], {"mode": "paced", "requests": 1_500, "rate": 200}),
)
PLAIN_KEYS = (("meanMs", "mean, ms"), ("p99Ms", "p99, ms"), ("perSecond", "a second"), ("cpuUs", "CPU us"), ("unknown", "UNKNOWN"),
              ("streamsOpened", "streams opened"))
FOLLOW_SECONDS, FOLLOW_RATES = 30, ((0, 400), (10, 4_000), (20, 400))


def processor(build, folder, kind, *more, servers=200_000):
    return processor_with(build, folder, [*PROCESSORS[kind], *more], servers)


def processor_with(build, folder, options, servers):
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
        self.results = []

    def _record(self, case, kind, client, result):
        self.results.append({**result, "case": case, "processor": kind, "sizing": client})
        shown = {key: value for key, value in self.results[-1].items() if key not in ("samples", "latencyMs")}
        print(json.dumps(shown), file=sys.stderr)

    def measure(self, kind, client, mode, server, **options):
        if client == GO:
            result = self._clients.measure("go", mode, server, **options)
        else:
            result = self._clients.measure("plugin", mode, server, **CLIENTS.get(client, {}), **options)
        self._record(mode, kind, client, result)

    def load(self, repetition):
        servers = sum(requests for who in LOAD.values() for requests in who.values())
        with processor(self._build, self._folder, FIXED_TIME, servers=servers) as server:
            for in_flight, who in LOAD.items():
                for client in turn(who, repetition):
                    self.measure(FIXED_TIME, client, "load", server, requests=who[client], in_flight=in_flight)

    def bursts(self, repetition):
        for kind, sizes in BURSTS.items():
            with processor(self._build, self._folder, kind, "--seed", str(repetition + 1)) as server:
                options = {"seed": repetition + 1, "pause_ms": 2_000 if kind == LIKE_AGONES else 300}
                for requests in sizes:
                    for client in turn(CLIENTS, repetition):
                        self.measure(kind, client, "burst", server, requests=requests, **options)
                    self.measure(kind, USED, "burst", server, requests=requests, used_seconds=2, **options)
        self._record("ideal", LIKE_AGONES, "ideal", json.loads(subprocess.run(
            [self._build / "tests/bench-client", "--mode", "ideal", "--requests", "2000", "--seed", str(repetition + 1)],
            check=True, capture_output=True, text=True).stdout))

    def quick(self, repetition):
        go_processor = [self._build / "tests/interop/programs/go-processor", "--serialize-sends", "--pull-interval"]
        for pull_ms in (20, 200):
            with Server([*go_processor, f"{pull_ms}ms"]) as server:
                for client in turn((AUTOMATIC, FIXED_1000), repetition):
                    for in_flight, requests in QUICK_LOAD.items():
                        result = self._clients.measure("plugin", "load", server, requests=requests, in_flight=in_flight, **CLIENTS[client])
                        self._record("quick", f"{pull_ms} ms", client, result)
                    for rate, requests in QUICK_RATES.items() if pull_ms == 200 else ():
                        result = self._clients.measure("plugin", "paced", server, requests=requests, rate=rate, seed=repetition + 1, **CLIENTS[client])
                        self._record("quick", f"{pull_ms} ms", client, result)

    def steady(self, repetition):
        for client in turn(CLIENTS, repetition):
            # Each with a processor of its own: one client's queue is not the next one's.
            with processor(self._build, self._folder, LIKE_AGONES, "--seed", str(repetition + 1)) as server:
                self.measure(LIKE_AGONES, client, "paced", server, requests=STEADY_REQUESTS, rate=STEADY_RATE, seed=repetition + 1)

    def streams(self, repetition):
        for kind, mode, options in ((LIKE_AGONES, "burst", {"requests": 2_000, "seed": repetition + 1, "used_seconds": 2}),
                                    (FIXED_TIME, "load", {"requests": 100_000, "in_flight": 10_000})):
            servers = len(STREAMS) * options["requests"] + 10_000
            with processor(self._build, self._folder, kind, "--seed", str(repetition + 1), servers=servers) as server:
                for count in turn(STREAMS, repetition):
                    self._record("streams", kind, AUTOMATIC, self._clients.measure("plugin", mode, server, max_streams=count, **options))

    def plain(self, repetition):
        for name, options, load in PLAIN:
            for client in turn((AUTOMATIC, FIXED_1000), repetition):
                with processor_with(self._build, self._folder, options, 10_000 + load["requests"]) as server:
                    rest = {key: value for key, value in load.items() if key != "mode"}
                    result = self._clients.measure("plugin", load["mode"], server, seed=repetition + 1, **CLIENTS[client], **rest)
                    if "latencyMs" in result:
                        result["meanMs"] = report.mean(result["latencyMs"])
                        result["p99Ms"] = sorted(result["latencyMs"])[int(0.99 * (len(result["latencyMs"]) - 1))]
                    self._record("plain", name, client, {key: result[key] for key, _ in PLAIN_KEYS if key in result})

    def follow(self):
        with tempfile.TemporaryDirectory() as folder:
            url_file = Path(folder) / "url"
            with processor(self._build, self._folder, NONE_SLOW, "--http", "127.0.0.1:0", "--http-port-file", str(url_file)) as server:
                change(url_file, FOLLOW_RATES[0][1])
                client = self._clients.start("plugin", "follow", server, in_flight=20_000, seconds=FOLLOW_SECONDS)
                start = time.monotonic()
                for at, rate in FOLLOW_RATES[1:]:
                    time.sleep(max(0, start + at - time.monotonic()))
                    change(url_file, rate)
                self._record("follow", NONE_SLOW, AUTOMATIC, Clients.result(client))


def change(url_file, rate):
    while not url_file.exists():
        time.sleep(0.01)
    # All that may be under way at a time is enough for 4,000 a second.
    body = json.dumps({"updates_per_second": rate, "update_burst": 1}).encode()
    request = urllib.request.Request(url_file.read_text().strip() + "timing", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def measure_plain(build):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(build, folder)
        for repetition in range(PLAIN_REPETITIONS):
            print(f"bench: repetition {repetition + 1} of {PLAIN_REPETITIONS}", file=sys.stderr)
            bench.plain(repetition)
        return bench.results


def measure_all(build):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(build, folder)
        for repetition in range(REPETITIONS):
            print(f"bench: repetition {repetition + 1} of {REPETITIONS}", file=sys.stderr)
            bench.load(repetition)
            bench.bursts(repetition)
            bench.streams(repetition)
            bench.quick(repetition)
            if repetition == 0:
                bench.steady(repetition)
        bench.follow()
        return {"machine": machine(), "results": bench.results + measure_plain(build)}


def median_of(results, key, **wanted):
    values = [r[key] for r in results if all(r.get(name) == value for name, value in wanted.items())]
    return report.median(values) if values else None


def steady_percentile(results, client, share):
    latencies = [sorted(r["latencyMs"]) for r in results if r["case"] == "paced" and r["sizing"] == client]
    return report.median(run[int(share * (len(run) - 1))] for run in latencies)


def target_rows(results):
    def row(figure, mine, against, its, ratio, target, met):
        return [figure, mine, against, its, ratio, target, "yes" if met else "**no**"]

    def at(client, in_flight):
        return median_of(results, "perSecond", case="load", sizing=client, inFlight=in_flight)

    mine, go = at(AUTOMATIC, 10_000), at(GO, 10_000)
    yield row("50 ms a batch, 10,000 under way", f"{mine:,.0f} a second", GO, f"{go:,.0f}", f"{mine / go:.1f} x", "1.5 x", mine >= 1.5 * go)
    mine, before = at(AUTOMATIC, 100_000), at(FIXED_1000, 100_000)
    yield row("50 ms a batch, 100,000 under way", f"{mine:,.0f} a second", "fixed 1,000, one stream", f"{before:,.0f}", f"{mine / before:.1f} x", "5 x",
              mine >= 5 * before)
    for client in (AUTOMATIC, USED):
        for key, name, limit in (("meanMs", "mean", 1.15), ("p50Ms", "p50", 1.1), ("p99Ms", "p99", 1.3)):
            mine = median_of(results, key, case="burst", processor=LIKE_AGONES, sizing=client, requests=2_000)
            ideal = median_of(results, key, case="ideal")
            yield row(f"Like Agones, burst of 2,000, {name}" + ("" if client == USED else ", of a client just connected"), f"{mine:,.0f} ms", "ideal",
                      f"{ideal:,.0f} ms", f"{mine / ideal:.2f} x", f"at most {limit} x", mine <= limit * ideal)
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        mine, fixed = (steady_percentile(results, client, share) for client in (AUTOMATIC, FIXED_100))
        yield row(f"Like Agones, {STEADY_RATE} a second, {name}", f"{mine:,.0f} ms", FIXED_100, f"{fixed:,.0f} ms", f"{mine / fixed:.2f} x", "at most 1 x",
                  mine <= fixed)


def burst_rows(results):
    for kind, sizes in BURSTS.items():
        for requests in sizes:
            cells = []
            for client in (*CLIENTS, USED):
                mean, p99 = (median_of(results, key, case="burst", processor=kind, sizing=client, requests=requests) for key in ("meanMs", "p99Ms"))
                cells.append(f"{mean:,.1f}, {p99:,.1f}")
            yield [kind, f"{requests:,}", *cells]


def load_rows(results):
    for in_flight, who in LOAD.items():
        for client in who:
            wanted = {"case": "load", "sizing": client, "inFlight": in_flight}
            yield [f"{in_flight:,}", client, f"{median_of(results, 'perSecond', **wanted):,.0f}", f"{median_of(results, 'cpuUs', **wanted):.2f}"]


def steady_rows(results):
    for client in CLIENTS:
        yield [client, *(f"{steady_percentile(results, client, share):,.0f}" for share in (0.5, 0.9, 0.99, 1))]


def quick_rows(results):
    def row(figure, key, digits, **wanted):
        mine, before = (median_of(results, key, case="quick", sizing=client, **wanted) for client in (AUTOMATIC, FIXED_1000))
        return [figure, f"{mine:,.{digits}f}", f"{before:,.{digits}f}", f"{mine / before:.2f}"]

    for pulls in ("20 ms", "200 ms"):
        for in_flight in QUICK_LOAD:
            where = f"{pulls} pulls, {in_flight:,} in flight: "
            wanted = {"processor": pulls, "mode": "load", "inFlight": in_flight}
            yield row(where + "CPU us an allocation", "cpuUs", 2, **wanted)
            yield row(where + "allocations a second", "perSecond", 0, **wanted)
    for rate in QUICK_RATES:
        where = f"200 ms pulls, {rate:,} requests a second: "
        yield row(where + "mean latency, ms", "meanMs", 2, mode="paced", rate=rate)
        yield row(where + "CPU us an allocation", "cpuUs", 1, mode="paced", rate=rate)


def plain_rows(results):
    """Each figure of each case; the last column says by how much the default is worse, where it is."""
    for name, _, _ in PLAIN:
        for key, figure in PLAIN_KEYS:
            wanted = {"case": "plain", "processor": name}
            mine, plain = (median_of([r for r in results if key in r], key, sizing=client, **wanted) for client in (AUTOMATIC, FIXED_1000))
            if mine is None or plain is None:
                continue
            better, worse = (plain, mine) if key != "perSecond" else (mine, plain)
            ratio = worse / better if better else (1 if not worse else float("inf"))
            said = f"{ratio:.2f} x" if ratio > 1.02 and key != "streamsOpened" else ""
            digits = 0 if mine >= 100 or key in ("unknown", "streamsOpened") else 1
            yield [name, figure, f"{mine:,.{digits}f}", f"{plain:,.{digits}f}", said]


def stream_rows(results):
    for count in STREAMS:
        burst = [median_of(results, key, case="streams", mode="burst", maxStreams=count) for key in ("meanMs", "p50Ms", "p99Ms")]
        load = [median_of(results, key, case="streams", mode="load", maxStreams=count) for key in ("perSecond", "cpuUs")]
        yield [count, *(f"{value:,.0f}" for value in burst), f"{load[0]:,.0f}", f"{load[1]:.2f}"]


def write(measured, folder):
    results = measured["results"]
    for result in results:
        if "latencyMs" in result:
            result["meanMs"] = report.mean(result["latencyMs"])
    on = measured["machine"]
    (folder / "sizes.md").write_text(f"""# The size of batches

`tests/bench/sizes.py build/release`, in one run, on {on['cores']} cores ({on['cpu']}, Linux {on['kernel']}, shared with other work). Medians of {REPETITIONS}
repetitions (of the steady load one), clients taking turns. The processor is the local one, pulling every 200 ms, on the same two cores:

| Processor | What it does | `local-processor` |
|---|---|---|
| 50 ms a batch | the same time for every batch, whatever its size | `{' '.join(PROCESSORS[FIXED_TIME])}` |
| like Agones | gathers for 50 ms, then 400 updates a second after a burst of 500, 100 at a time, 20 ms each, one of a hundred 2 s; a batch is answered when its last request is | `{' '.join(SLOW_TAIL)}` |
| at once | nothing waits | |

| Client | What it sends |
|---|---|
| automatic | the plugin at its defaults: the size follows the processor, on up to 32 streams; "in use": with a few requests before, so that streams are open |
| fixed 100, fixed 1,000 | the plugin with `fixed_batches`, on one stream. 1,000 is what it did before |
| Go client | the one of tests/interop, built as Agones' is known to work: everything as one message for each pull |

*Ideal*: by calculation, each request answered by itself in the order they came, as soon as that processor can. Raw values: [sizes.json](sizes.json).

## Against the targets

{report.table(["Figure", "automatic", "against", "its", "ratio", "target", "met"], target_rows(results))}

## Beside plain batches

Plain: all that waits, up to 1,000 requests, on one stream. The client has just connected. Medians of {PLAIN_REPETITIONS}; the last column says by how much the default is worse, where it is.

{report.table(["Case", "Figure", "automatic", "plain", "worse than plain by"], plain_rows(results))}

## A burst, from its submission to its answers: mean, p99 (ms)

{report.table(["processor", "requests", *CLIENTS, USED], burst_rows(results))}

![A burst at 50 ms a batch](sizes-time.svg)
![A burst at a processor like Agones'](sizes-agones.svg)
![A burst at a processor that answers at once](sizes-once.svg)

## So many under way all the time, 50 ms a batch

{report.table(["under way", "client", "allocations a second", "CPU us an allocation"], load_rows(results))}

## {STEADY_RATE} requests a second, like Agones (ms)

{report.table(["client", "p50", "p90", "p99", "most"], steady_rows(results))}

## A processor that answers at once

The one of the [benchmark](results.md), in Go; "before" is fixed 1,000 on one stream.

{report.table(["Figure", "automatic", "before", "of it"], quick_rows(results))}

## What streams win that sizes do not

The automatic sizes, on at most so many streams:

{report.table(["streams", "burst of 2,000, like Agones: mean, ms", "p50", "p99", "50 ms a batch, 10,000 under way: a second", "CPU us"], stream_rows(results))}

## The window while the processor's rate changes tenfold

20,000 under way at the host; 400 updates a second, from 10 s on 4,000, from 20 s on 400 again, no burst saved up, no slow ones.

![The window over time](sizes-follow.svg)
""")
    plot(results, folder)


def plot(results, folder):
    for kind, file in ((FIXED_TIME, "sizes-time.svg"), (LIKE_AGONES, "sizes-agones.svg"), (AT_ONCE, "sizes-once.svg")):
        lines = {client: [(requests, median_of(results, "meanMs", case="burst", processor=kind, sizing=client, requests=requests))
                          for requests in BURSTS[kind]] for client in (*CLIENTS, USED)}
        report.draw(folder / file, f"A burst, {kind}: mean time to an answer", "requests", "milliseconds", lines, "set logscale xy; set key left top")
    samples = next(r for r in results if r["case"] == "follow")["samples"]
    lines = {"answers a second": [(s["s"], max(s["perSecond"], 1)) for s in samples], "window, requests": [(s["s"], s["window"]) for s in samples],
             "requests a batch": [(s["s"], s["batchSize"]) for s in samples if s["batchSize"]]}
    report.draw(folder / "sizes-follow.svg", "The processor's rate changes tenfold at 10 s and at 20 s", "seconds", "", lines,
                "set logscale y; set yrange [1:20000]; set key right top", style="lines")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="build folder, such as build/release")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    raw = RESULTS / "sizes.json"
    if options.plain:
        measured = json.loads(raw.read_text())
        kept = [result for result in measured["results"] if result["case"] != "plain"]
        measured["results"] = kept + measure_plain(options.build.resolve())
    elif not options.report:
        measured = measure_all(options.build.resolve())
    if not options.report:
        for result in measured["results"]:
            if "latencyMs" in result:
                result["latencyMs"] = [round(latency, 1) for latency in result["latencyMs"]]
        lines = ",\n".join("  " + json.dumps(result) for result in measured.pop("results"))
        raw.write_text(json.dumps(measured)[:-1] + ', "results": [\n' + lines + "\n]}\n")
    write(json.loads(raw.read_text()), RESULTS)
    print((RESULTS / "sizes.md").read_text())


if __name__ == "__main__":
    main()
