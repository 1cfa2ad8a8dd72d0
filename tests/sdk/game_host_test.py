#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""game-host as a user sees it: game_host_test.py GAME_HOST LIBRARY PLUGIN"""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

COMMAND = [sys.argv[1], "--library", sys.argv[2], "--plugin", sys.argv[3]]
PATIENCE = 60


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
    sys.exit(f"game_host_test: {what} did not come")


def packing():
    done = subprocess.run([*COMMAND, "-n", "400"], stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
    # 80 of each node's game servers are of the mode that is asked for.
    rows = re.findall(r"^  (node-\d+) +80  (arena-\d+, arena-\d+, arena-\d+), \.\.\.$", done.stdout, re.MULTILINE)
    assert len(rows) == 5, done.stdout
    assert "6 of the fleet's 11 nodes have none" in done.stdout, done.stdout


def live_on_a_terminal():
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execv(COMMAND[0], [*COMMAND, "-n", "100000", "-c", "100", "--rate", "500", "--live"])
    shown = b""

    def read():
        nonlocal shown
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # the other side is closed
                return False
        return True

    def has(pattern):
        read()
        return re.search(pattern, shown.decode("utf-8", "replace")) is not None

    until(lambda: has(r"(?s)\x1b\[\?1049h.*connection  serving"), "the connection's state")
    until(lambda: has(r"ALLOCATED [\d,]*[1-9]"), "the outcomes")
    until(lambda: has("[▁▂▃▄▅▆▇█]{8}"), "the sparkline")
    os.kill(child, signal.SIGINT)
    while read():
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert b"\x1b[?1049l" in shown, "the terminal is left as it was"


def live_into_a_pipe():
    done = subprocess.run([*COMMAND, "-n", "300", "-c", "50", "--live"], stdout=subprocess.PIPE, text=True, check=True,
                          timeout=PATIENCE)
    assert "\x1b" not in done.stdout, "no escape sequences"
    assert re.match(r"0 s  connecting  0 a second  p50 0\.0 ms", done.stdout), done.stdout


def metrics():
    process = subprocess.Popen([*COMMAND, "-n", "100000", "-c", "100", "--rate", "500", "--metrics", "127.0.0.1:0"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    url = re.match(r"metrics at (http://\S+)", process.stderr.readline())[1]

    def scrape():
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            assert response.headers["Content-Type"].startswith("text/plain")
            return response.read().decode()

    until(lambda: re.search(r'results_total\{outcome="allocated"\} [1-9]', scrape()), "an allocation in the metrics")
    subprocess.run(["promtool", "check", "metrics"], input=scrape(), text=True, check=True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, process.returncode
    for bad in ("nowhere", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:999999"):
        refused = subprocess.run([*COMMAND, "--metrics", bad], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                 check=False, timeout=PATIENCE)
        assert refused.returncode == 2 and "--metrics" in refused.stderr, refused


FLEET = """
apiVersion: agones.dev/v1
kind: Fleet
metadata: {name: blue}
spec: {replicas: 3, template: {spec: {ports: [{name: default, containerPort: 7654}]}}}
"""
ALLOCATION = """
apiVersion: allocation.agones.dev/v1
kind: GameServerAllocation
spec:
  selectors:
  - matchLabels: {agones.dev/fleet: blue}
    gameServerState: Ready
"""


def manifests():
    """A newcomer's minute: a fleet and an allocation as they are applied to a cluster."""
    with tempfile.TemporaryDirectory() as folder:
        fleet, allocation, wrong = (Path(folder) / name for name in ("fleet.yaml", "allocation.yaml", "wrong.yaml"))
        fleet.write_text(FLEET)
        allocation.write_text(ALLOCATION)
        wrong.write_text(ALLOCATION.replace("Ready", "READY"))
        command = [*COMMAND, "--fleet-file", fleet, "-n", "3", "--request"]
        requests = [allocation, '{"namespace":"default"}', '{"kind":"GameServerAllocation","spec":{"selectors":[{}]}}']
        for request in requests:
            done = subprocess.run([*command, request], stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
            assert re.search(r"ALLOCATED +3", done.stdout), done.stdout
        # Everything in one file, and a list, as kubectl and Kustomize have it; with Windows' line ends, with a byte order mark.
        whole = FLEET + "---\n# mine\n---" + ALLOCATION + "---\n"
        bundle = Path(folder) / "bundle.yaml"
        for text in (whole, whole.replace("\n", "\r\n"), "\ufeff" + whole,
                     json.dumps({"kind": "List", "items": [{"kind": "Fleet"}, {"kind": "GameServerAllocation", "spec": {}}]}),
                     '{"apiVersion": "allocation.agones.dev/v1", "spec": {}}'):
            bundle.write_bytes(text.encode())
            done = subprocess.run([*command, bundle], stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
            assert re.search(r"ALLOCATED +3", done.stdout), done.stdout
        old = '{"namespace":"default","metadata":null,"gameServerSelectors":[{"players":{"minAvailable":1}}]}'
        done = subprocess.run([*command, old, "--unknown-fields", "ignore"], stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE)
        assert re.search(r"ALLOCATED +3", done.stdout), done.stdout
        twice, template, empty = (Path(folder) / name for name in ("twice.yaml", "template.yaml", "empty.yaml"))
        twice.write_text(ALLOCATION + "---" + ALLOCATION)
        template.write_text(ALLOCATION.replace("blue", "{{ .Values.fleet }}") + "  {{- end }}\n")
        empty.write_text("# nothing\n")
        for request, text in ((twice, "expected one request or one GameServerAllocation, got 2"),
                              (fleet, "apiVersion: expected one of allocation.agones.dev/v1, got agones.dev/v1"),
                              (template, "a template of Helm is to be rendered first"),
                              (empty, "it is empty: expected a request or a GameServerAllocation"),
                              (old, "gameServerSelectors[0].players: unknown field"),
                              (wrong, "spec.selectors[0].gameServerState: expected one of Ready, Allocated, got READY"),
                              ("nowhere.yaml", "'nowhere.yaml' is neither JSON nor a file"),
                              ('{"spec":{}}', "spec: unknown field; this is a manifest of Kubernetes"),
                              ('{"a":1,"a":2}', "the key 'a' is given twice")):
            refused = subprocess.run([*command, request], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                     check=False, timeout=PATIENCE)
            assert refused.returncode == 2 and text in refused.stderr, refused


packing()
manifests()
live_on_a_terminal()
live_into_a_pipe()
metrics()
print("game-host shows what it should")
