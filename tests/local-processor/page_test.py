#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The local processor's HTTP side, by script and as a browser shows it:

  page_test.py BUILD             the test
  page_test.py BUILD --picture   takes sample-host/local-processor/page.png anew
"""
import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from browser import PATIENCE, Browser, until

BUILD = Path(sys.argv[1])
SOURCE = Path(__file__).resolve().parents[2]
READY, ALLOCATED = [46, 160, 67], [31, 111, 235]


class Processor:
    def __init__(self, *options):
        self._options = options

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        port, page = Path(self._folder.name) / "port", Path(self._folder.name) / "page"
        self._process = subprocess.Popen(
            [BUILD / "sample-host/local-processor", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--port-file", port,
             "--http-port-file", page, "--pull-interval-ms", "20", *self._options], stdout=subprocess.DEVNULL)
        until(page.exists, "the processor")
        self.address, self.page = port.read_text().strip(), page.read_text().strip()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def ask(self, path, body=None, headers=None):
        """Status and body."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.page + path, data, {"Content-Type": "application/json", **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def host(self, *options):
        """game-host: allocates through the plugin."""
        return [BUILD / "sample-host/game-host", "--library", BUILD / "host-sdk/libagones_processor_host.so", "--plugin",
                BUILD / "plugin/libagones_processor.so", "--processor", self.address, *options]


def check(condition, what):
    if not condition:
        sys.exit(f"page_test: {what}")


def by_script():
    with Processor("--servers", "3") as processor:
        subprocess.run(processor.host("-n", "1"), check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
        servers = json.loads(processor.ask("fleet")[1])["gameServers"]
        check([one["state"] for one in servers].count("Allocated") == 1, servers)
        name = next(one["name"] for one in servers if one["state"] == "Allocated")

        metrics = processor.ask("metrics")[1]
        check('local_processor_game_servers{state="Allocated"} 1' in metrics, metrics)
        check("local_processor_allocated_total 1" in metrics, metrics)
        check('local_processor_batch_seconds_bucket{le="+Inf"} 1' in metrics, metrics)
        subprocess.run(["promtool", "check", "metrics"], input=metrics, text=True, check=True)

        check(processor.ask("release", {"name": name}) == (200, json.dumps({"released": f"default/{name}"},
                                                                           separators=(",", ":"))), "release")
        check(processor.ask("faults", {"latency_ms": 7, "error_rate": 0.5})[0] == 200, "faults")
        faults = json.loads(processor.ask("faults", {"latency_ms": 0})[1])
        check((faults["latency_ms"], faults["error_rate"]) == (0, 0.5), faults)
        check(processor.ask("serving", {"serving": False})[1] == '{"serving":false}', "serving")
        check("local_processor_serving 0" in processor.ask("metrics")[1], "a standby")

        manifest = {"kind": "Fleet", "metadata": {"name": "blue"}, "spec": {"replicas": 2, "template": {}}}
        fleets = json.loads(processor.ask("fleet", {"apply": manifest})[1])["fleets"]
        check([(one["name"], one["gameServers"]) for one in fleets] == [("blue", 2), ("local", 3)], fleets)
        misspelt = json.loads(processor.ask("fleet", {"apply": {"kind": "Fleet", "metadata": {"name": "blue"}, "spec": {"replcas": 2}}})[1])
        check("apply.spec.replcas: unknown field, passed over; is replicas meant?" in misspelt["warnings"], misspelt)
        check(processor.ask("fleet", {"scale": {"name": "blue", "replicas": 4}})[0] == 200, "scale")
        fleets = json.loads(processor.ask("fleets")[1])["fleets"]
        check((fleets[0]["replicas"], fleets[0]["ready"]) == (4, 4), fleets)
        check(processor.ask("fleet", {"delete": {"name": "blue"}})[0] == 200, "delete")
        check(len(json.loads(processor.ask("fleets")[1])["fleets"]) == 1, "the fleet is gone")

        request = {"namespace": "default", "gameServerSelectors": [{"matchLabels": {"agones.dev/fleet": "bleu"}}]}
        explained = json.loads(processor.ask("explain", request)[1])
        check(explained["matches"] == 0 and "no game server has agones.dev/fleet=bleu" in explained["text"], explained)
        explained = json.loads(processor.ask("explain", {"kind": "GameServerAllocation", "spec": {}})[1])
        check(explained["matches"] == 3, explained)

        for path, body, status, text in (
                ("explain", {"nmespace": "default"}, 400, "nmespace: unknown field"),
                ("fleet", {"scale": {"name": "blue", "replicas": 4}}, 404, "no fleet is called default/blue"),
                ("fleet", {"scale": {"name": "local", "replicas": -4}}, 400, "scale.replicas: wrong type"),
                ("fleet", {"scale": {"name": "local"}}, 400, "scale.replicas: missing"),
                ("fleet", {"apply": {"kind": "Pod"}}, 400, "apply.kind: not Fleet"),
                ("fleet", {"grow": {}}, 400, "grow: none of apply, scale, delete"),
                ("fleet", {}, 400, "expected one of apply, scale, delete"),
                ("release", {"name": name}, 404, "no game server default/" + name),
                ("release", {"name": 1}, 400, "name: not a text"),
                ("release", {}, 400, "name: not a text"),
                ("release", b"{", 400, "parse error"),
                ("release", b"[]", 400, "expected a JSON object"),
                ("faults", {"latency_ms": 3, "eror_rate": 1}, 400, "eror_rate: no such fault"),
                ("faults", {"latency_ms": 3, "error_rate": 2}, 400, "error_rate: not a rate from 0 to 1"),
                ("faults", {"latency_ms": -1}, 400, "latency_ms: not a whole number"),
                ("faults", {"stop_pulling": 1}, 400, "stop_pulling: not true or false"),
                ("serving", {"serving": "no"}, 400, "serving: not true or false"),
                ("timing", {"update_ms": 3}, 409, "allocations take no time"),
                ("changes?since=x", None, 400, "since: not a version"),
                ("faults", None, 405, "takes POST"), ("timing", None, 405, "updates_per_second"), ("release", None, 405, "name"),
                ("serving", None, 405, "standby"), ("explain", None, 405, "GameServerAllocation"),
                ("metrics", {}, 404, "no POST of /metrics here"),
                ("nothing", None, 404, "no GET of /nothing here; GET: /, /fleet")):
            answer = processor.ask(path, body)
            check(answer[0] == status and text in answer[1], f"{path} {body}: {answer}")
        check(json.loads(processor.ask("faults", {})[1])["latency_ms"] == 0, "a bad request changes nothing")
        check(processor.ask("serving", {"serving": True}, {"Content-Type": "text/plain"})[0] == 415, "another site's page")
    with Processor("--servers", "3", "--like-agones") as processor:
        request = {"namespace": "default", "gameServerSelectors": [{"matchLabels": {"agones.dev/fleet": "bleu"}}]}
        subprocess.run(processor.host("-n", "1", "--request", json.dumps(request)), check=False, stdout=subprocess.DEVNULL,
                       timeout=PATIENCE)
        events = json.loads(processor.ask("changes")[1])["events"]
        check(any(kind == "none left" and "none of them agones.dev/fleet=bleu" in detail for _, kind, _, detail in events), events)
        timing = json.loads(processor.ask("timing", {"updates_per_second": 4000.5, "update_ms": 7})[1])
        check((timing["updates_per_second"], timing["update_ms"], timing["update_burst"]) == (4000.5, 7, 500), timing)
        for body, text in (({"updates_per_second": -1}, "updates_per_second: not a number from 0"),
                           ({"update_burst": 0}, "update_burst: not at least 1"),
                           ({"updates_at_a_time": 3}, "updates_at_a_time: no such timing that can be changed"),
                           ({"slow_update_rate": 2}, "slow_update_rate: not a rate from 0 to 1")):
            answer = processor.ask("timing", body)
            check(answer[0] == 400 and text in answer[1], f"timing {body}: {answer}")
        check(json.loads(processor.ask("timing", {})[1]) == timing, "a bad request changes nothing")
        check(processor.ask("fleet", None, {"Host": "evil.example:80"})[0] == 403, "another name for this machine")

    for bad, text in (("nowhere", "is not HOST:PORT"), ("127.0.0.1:1x", "is not HOST:PORT")):
        refused = subprocess.run([BUILD / "sample-host/local-processor", "--listen", "127.0.0.1:0", "--http", bad],
                                 capture_output=True, text=True, timeout=PATIENCE, check=False)
        check(refused.returncode == 2 and "--http" in refused.stderr and text in refused.stderr, refused)


def colour(browser, number):
    """Of a cell in the picture, as the user sees it."""
    return browser.run("""const [x, y] = view.places.get(arguments[0]);
                          return [...view.pen.getImageData(x + 1, y + 1, 1, 1).data.slice(0, 3)];""", number)


def shown(browser, state):
    return browser.run("""const span = document.querySelector(`[data-state="${arguments[0]}"]`);
                          return span ? +span.textContent.replace(/\\D/g, "") : 0;""", state)


def by_browser():
    with Processor("--servers", "200") as processor, Browser() as browser:
        browser.open(processor.page)
        until(lambda: shown(browser, "Ready") == 200, "200 ready cells")
        check(colour(browser, 0) == READY, "a ready cell's colour")
        resources = browser.run("return performance.getEntriesByType('resource').map(one => one.name)")
        check(all(name.startswith(processor.page) for name in resources), f"no resources from elsewhere: {resources}")

        subprocess.run(processor.host("-n", "50"), check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
        until(lambda: shown(browser, "Allocated") == 50, "50 allocated cells")
        colours = [colour(browser, number) for number in range(200)]
        check(colours.count(ALLOCATED) == 50 and colours.count(READY) == 150, "the cells' colours")
        check("allocated default/local-" in browser.run("return document.getElementById('events').textContent"), "events")

        until(lambda: browser.run("return document.getElementById('fleets').textContent") == "local: 50/200", "the fleet by name")
        check(processor.ask("fleet", {"scale": {"name": "local", "replicas": 150}})[0] == 200, "scale")
        until(lambda: shown(browser, "Ready") == 100, "a smaller fleet")

        browser.run("document.querySelector('#explain button').click()")
        until(lambda: "can be allocated" in browser.run("return document.getElementById('explanation').textContent"), "the explanation")

        # A click on an allocated cell ends its session.
        browser.run("""const cell = view.cells.find(one => one.state === "Allocated"), [x, y] = view.places.get(cell.number);
                       const box = view.canvas.getBoundingClientRect();
                       view.canvas.dispatchEvent(new MouseEvent("click", {clientX: box.left + x + 2, clientY: box.top + y + 2}));""")
        until(lambda: shown(browser, "Allocated") == 49, "the end of a session")
        browser.run("document.getElementById('toggle').click()")
        until(lambda: browser.run("return document.getElementById('role').textContent") == "standby", "the switch of roles")
        processor.ask("faults", {"latency_ms": 40})
        until(lambda: "latency_ms 40" in browser.run("return document.getElementById('faults').textContent"), "the faults")


def many_changes():
    """10,000 game servers, all of which change."""
    with Processor("--servers", "10000") as processor, Browser() as browser:
        browser.open(processor.page)
        until(lambda: shown(browser, "Ready") == 10000, "the fleet")
        subprocess.run(processor.host("-n", "10000", "-c", "5000"), check=True, stdout=subprocess.DEVNULL, timeout=10 * PATIENCE)
        until(lambda: shown(browser, "Allocated") == 10000, "every session")
        # Showing that all have changed is about the work of drawing the picture anew, whatever the machine.
        changes, picture_ = browser.run("""
            const best = work => Math.min(...[1, 2, 3, 4, 5].map(() => {
              const start = performance.now();
              work();
              return performance.now() - start;
            }));
            const cells = view.cells.map(one => [one.number, one.state, one.space, one.name, one.node, one.room, one.fleet]);
            return [best(() => view.update({places: cells.length, cells})), best(() => view.layOut())];""")
        print(f"10,000 game servers: {changes:.1f} ms to show that all have changed, {picture_:.1f} ms for the whole picture")
        check(changes < 10 * picture_, "the page is busy with drawing")
        # And it goes on looking.
        browser.run("window.looks = 0; const add = charts.pulls.add.bind(charts.pulls); charts.pulls.add = value => { ++window.looks; add(value); };")
        until(lambda: browser.run("return window.looks") >= 3, "three more looks")


def picture():
    fleet = {"gameServers": [
        {"fleet": name, "replicas": replicas, "serversPerNode": 120, "node": node,
         "counters": {"players": {"count": 0, "capacity": 10}}}
        for name, replicas, node in (("arena", 1200, "node-a"), ("lobby", 300, "node-b"))]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.json"
        path.write_text(json.dumps(fleet))
        request = json.dumps({
            "namespace": "default",
            "gameServerSelectors": [{"gameServerState": "ALLOCATED", "counters": {"players": {"minAvailable": 1}}},
                                    {"counters": {"players": {"minAvailable": 1}}}],
            "counters": {"players": {"action": "Increment", "amount": 1}}})
        with Processor("--fleet-file", path, "--session-ms", "4000", "--start-ms", "1200", "--like-agones") as processor, \
             Browser(1280, 700) as browser:
            browser.open(processor.page)
            host = subprocess.Popen(processor.host("-n", "1000000", "-c", "500", "--rate", "330", "--request", request),
                                    stdout=subprocess.DEVNULL)
            until(lambda: browser.run("return charts.allocated.values.length") >= 45, "45 looks")
            host.terminate()
            browser.save_picture(SOURCE / "sample-host/local-processor/page.png")
            host.wait()


if "--picture" in sys.argv:
    picture()
else:
    by_script()
    by_browser()
    many_changes()
    print("the HTTP side does what it should")
