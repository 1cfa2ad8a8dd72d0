# SPDX-License-Identifier: Apache-2.0
"""The benchmark's table and plots, from its raw results."""
import subprocess
import sys
from dataclasses import dataclass
from statistics import fmean as mean, median

NAMES = {"plugin": "plugin", "host": "through the host library", "json": "plugin, JSON requests", "encoding-plugin": "plugin, host encodes", "bare": "bare C++ loop",
         "unary": "one unary call each", "go": "Go client"}


@dataclass
class Figure:
    """The five values of one figure of one client."""
    values: list

    @property
    def median(self):
        return median(self.values)

    def text(self, digits):
        return (f"{self.median:,.{digits}f} "
                f"<small>({min(self.values):,.{digits}f} to {max(self.values):,.{digits}f})</small>")


class Results:
    def __init__(self, records):
        self._records = records

    def select(self, **wanted):
        return [r for r in self._records if all(r.get(key) == value for key, value in wanted.items())]

    def figure(self, key, **wanted):
        values = []
        for record in self.select(**wanted):
            value = record
            for part in key.split("."):
                value = value[part]
            values.append(value)
        return Figure(values) if values else None

    def latencies(self, client):
        return [latency for r in self.select(mode="paced", client=client) if r.get("rate", 5) == 5
                for latency in r["latencyMs"]]

    def rates(self):
        """At each rate: mean latency and CPU with the default pacing and with one batch a pull."""
        for rate in sorted({r["rate"] for r in self.select(mode="paced", client="plugin") if r["rate"] != 5}):
            row = {"rate": rate}
            for batches in (28, 1):
                runs = self.select(mode="paced", client="plugin", rate=rate, batchesPerPull=batches)
                row[batches] = (median(mean(r["latencyMs"]) for r in runs), median(r["cpuUs"] for r in runs),
                                median(r["batches"] * rate / r["requests"] for r in runs))
            yield row


def targets(results):
    """Rows: figure, the plugin's, against what, its, ratio, target, whether it is met."""
    def load(client, in_flight, key="cpuUs", pull_ms=20):
        return results.figure(key, mode="load", client=client, inFlight=in_flight, pullMs=pull_ms).median

    def hold(client, in_flight):
        return results.figure("bytesPerPending", mode="hold", client=client, inFlight=in_flight).median

    def plugin(key, mode):
        return results.figure(key, mode=mode, client="plugin").median

    rows = []

    def row(figure, mine, peer, its, ratio, target, met):
        rows.append([figure, mine, peer, its, ratio, target, "yes" if met else "**no**"])

    def less(figure, mine, peer, its, times, unit, digits=2):
        row(figure, f"{mine:,.{digits}f} {unit}", peer, f"{its:,.{digits}f} {unit}", f"{its / mine:.1f} x less",
            f"{times} x less", its / mine >= times)

    mine = load("plugin", 10_000)
    less("CPU per allocation, 10,000 in flight", mine, "Go client", load("go", 10_000), 10, "us")
    for in_flight in (1_000, 10_000, 100_000, 1_000_000):
        cpu, bare = load("plugin", in_flight), load("bare", in_flight)
        row(f"CPU per allocation, {in_flight:,} in flight", f"{cpu:.2f} us", "bare C++ loop", f"{bare:.2f} us",
            f"{cpu / bare:.2f}", "at most 0.6", cpu / bare <= 0.6)
    less("Throughput at saturation per client core (CPU per allocation)", mine, "Go client", load("go", 10_000), 8, "us")
    own = results.select(mode="hold", client="plugin")[0]["requestBytes"]
    held = hold("plugin", 1_000_000)
    row("Memory per pending request, 10^6 pending", f"{held:.0f} B", "its own request bytes", f"{own} B",
        f"{held - own:.0f} B more", "at most 200 B more", held - own <= 200)
    less("Memory per pending request, 10^5 pending", hold("plugin", 100_000), "Go client", hold("go", 100_000), 20, "B", 0)
    most, least = load("plugin", 1_000_000), load("plugin", 1_000)
    row("CPU per allocation, 10^6 in flight", f"{most:.2f} us", "the same at 10^3", f"{least:.2f} us",
        f"{most / least:.2f}", "at most 1.3", most / least <= 1.3)
    less("Mean latency, 5 requests a second, 200 ms pulls", mean(results.latencies("plugin")), "Go client",
         mean(results.latencies("go")), 20, "ms")
    less("CPU per allocation (throughput per CPU second), 10,000 in flight", mine, "one unary call each",
         load("unary", 10_000), 20, "us")
    for in_flight in (1_000, 10_000, 100_000, 1_000_000):
        through, alone = load("host", in_flight), load("plugin", in_flight)
        row(f"CPU per allocation through the host library, {in_flight:,} in flight", f"{through:.2f} us", "plugin alone",
            f"{alone:.2f} us", f"{through / alone:.2f}", "at most 1.1", through / alone <= 1.1)
    through = hold("host", 1_000_000)
    row("Memory per pending request through the host library, 10^6 pending", f"{through:.0f} B", "plugin alone",
        f"{held:.0f} B", f"{through - held:.0f} B more", "none", through - held < 1)
    for suffix, threads in (("One", "one thread"), ("Many", "8 threads")):
        through, alone = plugin(f"host{suffix}.p50Ns", "submit"), plugin(f"plugin{suffix}.p50Ns", "submit")
        row(f"Submit through the host library, p50, {threads}", f"{through:.0f} ns", "plugin alone", f"{alone:.0f} ns",
            f"{through - alone:+.0f} ns", "at most 40 ns more", through - alone <= 40)
    submit, copy = plugin("pluginOne.p50Ns", "submit"), plugin("copyOne.p50Ns", "submit")
    row("Submit, p50", f"{submit:.0f} ns", "malloc and memcpy of the request", f"{copy:.0f} ns",
        f"{submit / copy:.1f} x", "at most 3 x", submit / copy <= 3)
    late, copy = plugin("pluginMany.p999Ns", "submit"), plugin("copyMany.p999Ns", "submit")
    row("Submit, p99.9, 8 threads", f"{late:,.0f} ns", "malloc and memcpy of the request", f"{copy:,.0f} ns",
        f"{late / copy:.1f} x", "at most 2 x", late / copy <= 2)
    as_json = plugin("jsonOne.p50Ns", "submit")
    row("Submit of JSON, p50", f"{as_json:.0f} ns", "the same request as Protobuf", f"{submit:.0f} ns",
        f"{as_json / submit:.1f} x", "at most 2 x", as_json / submit <= 2)
    event = results.figure("pollNsPerEvent", mode="poll", client="json").median
    row("Poll of an event as JSON", f"{event:.0f} ns", "", "", "", "at most 1,000 ns", event <= 1000)
    row("CPU per allocation, 10,000 in flight", f"{mine:.2f} us", "", "", "", "at most 0.7 us", mine <= 0.7)
    metrics = plugin("recordNs", "metrics")
    row("Distributions, an allocation", f"{metrics:.1f} ns", "CPU per allocation, 10,000 in flight", f"{mine:.2f} us",
        f"{metrics / mine / 10:.1f} %", "at most 2 %", metrics / mine / 10 <= 2)
    for at in results.rates():
        (quick, cost, _), (slow, before, _) = at[28], at[1]
        row(f"Mean latency, {at['rate']:.0f} requests a second, 200 ms pulls", f"{quick:.2f} ms", "one batch a pull",
            f"{slow:.1f} ms", f"{slow / quick:.0f} x less", "under 5 ms", quick < 5)
    row(f"CPU per allocation, {at['rate']:,.0f} requests a second", f"{cost:.1f} us", "one batch a pull", f"{before:.1f} us",
        f"{cost / before:.2f}", "at most 1", cost <= before)
    worst = results.figure("worstMs", mode="frames").values
    quiet = plugin("quietMedianMs", "frames")
    row("Longest time in `proc_poll` of a 60 Hz loop, 50,000 answers, 1 ms budget",
        f"{median(worst):.2f} ms, worst of {len(worst)} runs {max(worst):.2f} ms", "its own quiet frame",
        f"{quiet * 1000:.0f} us", "", "at most 2 ms", median(worst) <= 2)
    idle, bare = plugin("cpuPercent", "idle"), results.figure("cpuPercent", mode="idle", client="bare").median
    row("Idle, pulled 5 times a second", f"{idle:.4f} % of a core", "bare C++ loop", f"{bare:.3f} %",
        f"{idle / bare:.2f}", "under 0.1 %", idle < 0.1)
    threads = max(results.figure("threads", mode="idle", client="plugin").values)
    row("Threads of the plugin, idle", f"{threads}", "", "", "", "at most 8", threads <= 8)
    return rows


def more_figures(results, plugin):
    def plugin_figure(key, mode, digits, unit):
        return results.figure(key, mode=mode, client="plugin").text(digits) + " " + unit

    def submit(suffix, peer):
        return ", ".join(plugin_figure(f"{peer}{suffix}.{key}", "submit", 0, "ns")
                         for key in ("p50Ns", "p99Ns", "p999Ns"))

    return [
        ["Submit, one thread: p50, p99, p99.9", submit("One", "plugin")],
        ["The same through the host library", submit("One", "host")],
        ["The same as JSON", submit("One", "json")],
        ["malloc and memcpy, one thread", submit("One", "copy")],
        ["Submit, 8 threads at once", submit("Many", "plugin")],
        ["The same through the host library", submit("Many", "host")],
        ["The same as JSON", submit("Many", "json")],
        ["malloc and memcpy, 8 threads at once", submit("Many", "copy")],
        ["Poll, per event", plugin_figure("pollNsPerEvent", "poll", 0, "ns")],
        ["The same through the host library",
         results.figure("pollNsPerEvent", mode="poll", client="host").text(0) + " ns"],
        ["The same as JSON", results.figure("pollNsPerEvent", mode="poll", client="json").text(0) + " ns"],
        ["Idle through the host library",
         results.figure("cpuPercent", mode="idle", client="host").text(4) + " % of a core"],
        ["Game loop while 50,000 answers arrive: frames over 2 ms in `proc_poll`",
         plugin_figure("over2Ms", "frames", 0, "of") + " " + plugin_figure("frames", "frames", 0, "frames")],
        ["The same, longest CPU time in `proc_poll`", plugin_figure("worstCpuMs", "frames", 2, "ms")],
        ["dlopen", plugin_figure("loadMs", "life", 2, "ms")],
        ["`proc_init`", plugin_figure("initMs", "life", 2, "ms")],
        ["`proc_shutdown` and `proc_destroy`", plugin_figure("shutdownMs", "life", 2, "ms")],
        ["Until unmapped", plugin_figure("unloadMs", "life", 2, "ms")],
        ["Distributions, an allocation", plugin_figure("recordNs", "metrics", 1, "ns")],
        ["Size of the .so", f"{plugin['bytes'] / 1e6:.1f} MB, with symbols {plugin['bytesWithSymbols'] / 1e6:.1f} MB"],
    ]


def load_rows(results):
    cells = sorted({(r["pullMs"], r["inFlight"]) for r in results.select(mode="load")})
    for pull_ms, in_flight in cells:
        for client in NAMES:
            wanted = {"mode": "load", "client": client, "inFlight": in_flight, "pullMs": pull_ms}
            if results.select(**wanted):
                yield [f"{pull_ms} ms", f"{in_flight:,}", NAMES[client], results.figure("cpuUs", **wanted).text(2),
                       results.figure("perSecond", **wanted).text(0),
                       results.figure("bytesPerPending", **wanted).text(0)]


def hold_rows(results):
    for in_flight in sorted({r["inFlight"] for r in results.select(mode="hold")}):
        for client in ("plugin", "host", "go"):
            figure = results.figure("bytesPerPending", mode="hold", client=client, inFlight=in_flight)
            if figure:
                yield [f"{in_flight:,}", NAMES[client], figure.text(0)]


def latency_rows(results):
    for client in ("plugin", "go", "unary"):
        latencies = sorted(results.latencies(client))
        at = [latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.9, 0.99, 1)]
        yield [NAMES[client], f"{mean(latencies):.2f}", *(f"{latency:.2f}" for latency in at)]


def instruction_rows(results):
    """The functions that take 2 % of one of the two, and the rest."""
    kinds = [results.select(mode="instructions", client=body)[0] for body in ("protobuf", "json")]
    names = sorted({name for kind in kinds for name, count in kind["functions"].items() if count >= kind["total"] / 50},
                   key=lambda name: -max(kind["functions"].get(name, 0) for kind in kinds))
    for name in names:
        yield [f"`{name}`", *(f"{kind['functions'].get(name, 0):,.0f}" for kind in kinds)]
    yield ["all else", *(f"{kind['total'] - sum(kind['functions'].get(name, 0) for name in names):,.0f}" for kind in kinds)]
    yield ["all", *(f"{kind['total']:,.0f}" for kind in kinds)]


def rate_rows(results):
    for at in results.rates():
        yield [f"{at['rate']:,.0f}", *(f"{value:,.1f}" for batches in (28, 1) for value in at[batches])]


def table(head, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows])


def write(measured, folder):
    results = Results(measured["results"])
    on = measured["machine"]
    repetitions = len(results.figure("initMs", mode="life", client="plugin").values)
    (folder / "results.md").write_text(f"""# Measured

`tests/bench/run.py build/release` on {on['cores']} cores ({on['cpu']}, Linux {on['kernel']}, shared with other work), Debian 12,
gRPC {on['grpc']}, {on['go']}. Medians of {repetitions} repetitions, clients taking turns, in brackets the least and the most. The processor is the Go
program of tests/interop, with an allocator that answers at once; the Go client is that folder's as well, built as Agones' is
known to work (not Agones' own code, which these tests can't fetch). It sends from one thread at a time: with two, as Agones'
processor does, clients without a watchdog hung in one run of ten at 20 ms pulls, the Go client among them. Raw values: [results.json](results.json).

## Against the targets

{table(["Figure", "plugin", "against", "its", "ratio", "target", "met"], targets(results))}

![CPU per allocation](cpu.svg)

## Load

In flight: so many requests under way at any time. CPU: user and system time of the client's process, microseconds per
allocation. Memory: the process's peak less what it had before, per request in flight. The Go client sends all that a pull finds as one
message, so that it can't have 10^5 in flight at a processor that takes 4 MiB. A host of the plugin hands over bytes; "host encodes" builds and
serializes a Protobuf message for each request first, as the bare loop does. The bare loop sends batches of 100, at most 4 of them unanswered; with
batches of 1,000 it costs a tenth less.

{table(["pulls", "in flight", "client", "CPU us", "allocations a second", "bytes in flight"], load_rows(results))}

## Memory of requests that wait for a pull

{table(["pending", "client", "bytes per request"], hold_rows(results))}

![Memory](memory.svg)

## Latency of 5 requests a second at random times, 200 ms pulls

Milliseconds.

{table(["client", "mean", "p50", "p90", "p99", "most"], latency_rows(results))}

![Latency](latency.svg)

The same at other rates, with the default of at most 28 batches from pull to pull, and with one (`batches_per_pull`); the host sleeps between its requests:

{table(["requests a second", "mean", "CPU us an allocation", "batches a second", "one a pull: mean", "CPU us", "batches a second"], rate_rows(results))}

## Where a submit goes

Instructions of one `proc_allocate`, counted by callgrind (`tests/bench/instructions.py build/release --profile`). Before the JSON reader read in place and
the check walked a request once, it was 2,554 for Protobuf and 13,638 for JSON.

{table(["function", "Protobuf", "JSON"], instruction_rows(results))}

Of the 120 ns beside these: one reading of the clock is 21 ns, malloc and memcpy of the request 20 ns, the measuring itself 20 ns.

## More of the plugin

{table(["", ""], more_figures(results, measured["plugin"]))}
""")
    plot(results, folder)


def plot(results, folder):
    def points(client, mode, key, **more):
        cells = sorted({r["inFlight"] for r in results.select(mode=mode, client=client, **more)})
        return [(n, results.figure(key, mode=mode, client=client, inFlight=n, **more).median) for n in cells]

    lines = {NAMES[c]: points(c, "load", "cpuUs", pullMs=20) for c in ("plugin", "bare", "go", "unary")}
    draw(folder / "cpu.svg", "CPU per allocation", "requests in flight", "microseconds", lines, "set logscale xy")
    lines = {NAMES[c]: points(c, "hold", "bytesPerPending") for c in ("plugin", "go")}
    draw(folder / "memory.svg", "Memory of a pending request", "requests pending", "bytes", lines, "set logscale xy")
    lines = {}
    for client in ("plugin", "go", "unary"):
        latencies = sorted(results.latencies(client))
        lines[NAMES[client]] = [(latency, (i + 1) / len(latencies) * 100) for i, latency in enumerate(latencies)]
    draw(folder / "latency.svg", "Latency, 5 requests a second, 200 ms pulls", "milliseconds", "% answered", lines,
         "set logscale x; set yrange [0:100]; set key right bottom", style="lines")


def draw(file, title, x, y, lines, settings, style="linespoints pt 7 ps 0.4"):
    script = [f'set terminal svg size 640,400 background "white"; set output "{file}"; set title "{title}"',
              f'set xlabel "{x}"; set ylabel "{y}"; set grid; {settings}',
              "plot " + ", ".join(f'"-" with {style} lw 2 title "{name}"' for name in lines)]
    for values in lines.values():
        script += [*(f"{a} {b}" for a, b in values), "e"]
    try:
        subprocess.run(["gnuplot"], input="\n".join(script), text=True, check=True)
    except FileNotFoundError:
        sys.exit("bench: no gnuplot, so no plots: packaging/install-dependencies bench")
