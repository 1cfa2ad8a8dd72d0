#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios (scenarios.json) in one language, on the plugin and on the host library: run.py LANGUAGE BUILD [SCENARIO...]

Exit codes: 0 all good, 1 some not, 77 skipped for want of the language's tools (1 with CI set).
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import languages

HERE = Path(__file__).resolve().parent
PATIENCE = 120


class Processor:
    """The local processor, for as long as the `with` lasts. None: there is none, at an address where nobody listens."""

    def __init__(self, build, options):
        self._build, self._options = build, options

    def __enter__(self):
        self.address = "127.0.0.1:1"
        if self._options is None:
            return self
        self._folder = tempfile.TemporaryDirectory()
        port = Path(self._folder.name) / "port"
        # pylint: disable-next=consider-using-with
        self._process = subprocess.Popen(
            [self._build / "sample-host/local-processor", "--listen", "127.0.0.1:0", "--pull-interval-ms", "10", "--port-file", port, "--ledger",
             Path(self._folder.name) / "ledger", *self._options], stdout=subprocess.DEVNULL)
        while not port.exists():
            if self._process.poll() is not None:
                sys.exit("bindings: the processor ended at once")
        self.address = port.read_text().strip()
        return self

    def stop(self):
        """The names that it gave out."""
        if self._options is None:
            return []
        self._process.terminate()
        self._process.wait()
        ledger = json.loads((Path(self._folder.name) / "ledger").read_text())
        return sorted(entry["gameServer"] for entry in ledger["allocations"])

    def __exit__(self, *_):
        if self._options is not None:
            self._process.kill()
            self._process.wait()
            self._folder.cleanup()


def run_program(command, environment):
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        return None, f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    lines = done.stdout.strip().splitlines()
    try:
        return json.loads(lines[-1]), ""
    except (IndexError, ValueError):
        return None, f"no line of JSON: {done.stdout[-1000:]}\n{done.stderr[-2000:]}"


def problem_with(scenario, result, ledger):
    for name, value in scenario.get("expect", {}).items():
        if result.get(name) != value:
            return f"{name} is {result.get(name)!r}, not {value!r}: {str(result)[:1000]}"
    for name, pattern in scenario.get("matches", {}).items():
        if not re.search(pattern, result.get(name, "")):
            return f"{name} is {result.get(name)!r}, which has no {pattern!r}: {str(result)[:1000]}"
    if "allocated" in scenario:
        names = sorted(result["names"])
        if len(names) != scenario["allocated"] or names != ledger:
            return f"{len(names)} names, {len(set(names))} different; the ledger has {len(ledger)}"
    return ""


def play(language, build, scenario, library):
    with Processor(build, scenario["processor"]) as processor:
        command, environment = language.command(build, [scenario["name"], str(library), processor.address,
                                                        str(build / "tests/libagones_processor_next.so")])
        environment.pop("AGONES_PROCESSOR_PLUGIN", None)
        if "host" in library.name:
            environment["AGONES_PROCESSOR_PLUGIN"] = str(build / "plugin/libagones_processor.so")
        result, problem = run_program(command, environment)
        return problem or problem_with(scenario, result, processor.stop())


def main(arguments):
    name, build = arguments[0], Path(arguments[1]).resolve()
    language = languages.LANGUAGES[name]
    missing = language.missing()
    if missing:
        print(f"bindings: skipped, {name} needs {missing}, which was not found")
        return 1 if os.environ.get("CI") else 77
    language.build(build)
    failed = 0
    wanted = arguments[2:]
    plugin, host = build / "plugin/libagones_processor.so", build / "host-sdk/libagones_processor_host.so"
    for scenario in json.loads((HERE / "scenarios.json").read_text())["scenarios"]:
        if (wanted and scenario["name"] not in wanted) or name not in scenario.get("languages", [name]):
            continue
        for library in [host] if scenario.get("host_library") else [plugin, host]:
            problem = play(language, build, scenario, library)
            print(f"{'FAILED' if problem else 'ok'}  {name} {scenario['name']} ({library.name})" + (f": {problem}" if problem else ""), flush=True)
            failed += bool(problem)
    for check in language.checks(build):
        problem = check()
        print(f"{'FAILED' if problem else 'ok'}  {name} {check.__name__}" + (f": {problem}" if problem else ""), flush=True)
        failed += bool(problem)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
