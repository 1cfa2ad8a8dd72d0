#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every block of the local processor's pages: examples_test.py BUILD

SELECTORS.md: what stands behind a block's language says what it is.
  fleet                the game servers of what follows
  request gets=a,b,c   allocated one after the other from that fleet, these come; "none" is the end
  same                 in another language: the message of the first JSON request
  explain              what --explain prints of the request before
HTTP.md: METHOD PATH status=N.
A block that says nothing of that kind, or says it of a language that can't be run here, is a failure, but for tools that this machine
lacks, where it is not CI.
"""
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from google.protobuf import json_format

BUILD = Path(sys.argv[1]).resolve()
SOURCE = Path(__file__).resolve().parents[2]
PAGES = SOURCE / "sample-host/local-processor"
SDK = SOURCE / "host-sdk"
PATIENCE = 120
os.environ["PATH"] += f":{Path.home()}/.cargo/bin:/usr/local/go/bin"


class Block:
    def __init__(self, page, line, language, words, text):
        self.place, self.language, self.words, self.text = f"{page.name}:{line}", language, words, text

    def value(self, name):
        return next((word[len(name) + 1:] for word in self.words if word.startswith(name + "=")), None)


def blocks_of(page):
    blocks, open_at, words, lines = [], None, [], []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if open_at is None and line.startswith("```"):
            open_at, words, lines = number, line[3:].split(), []
        elif open_at is not None and line.startswith("```"):
            blocks.append(Block(page, open_at, words[0] if words else "", words[1:], "\n".join(lines) + "\n"))
            open_at = None
        else:
            lines.append(line)
    return blocks


def output_of(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=PATIENCE, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


class Processor:
    def __init__(self, folder, *options):
        self._folder = folder
        for name in ("port", "page", "ledger"):
            (folder / name).unlink(missing_ok=True)
        # pylint: disable-next=consider-using-with
        self._process = subprocess.Popen(
            [BUILD / "sample-host/local-processor", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--port-file", folder / "port",
             "--http-port-file", folder / "page", "--ledger", folder / "ledger", "--pull-interval-ms", "10", *options], stdout=subprocess.DEVNULL)
        while not (folder / "page").exists():
            if self._process.poll() is not None:
                sys.exit("examples_test: the processor ended at once")

    def text(self, name):
        return (self._folder / name).read_text().strip()

    def stop(self):
        self._process.terminate()
        self._process.wait()
        return [entry["gameServer"] for entry in json.loads(self.text("ledger"))["allocations"]]


def names_from(folder, fleet, request, count):
    """What so many allocations get, one after the other."""
    processor = Processor(folder, "--fleet-file", fleet)
    try:
        subprocess.run([str(part) for part in (
            BUILD / "sample-host/game-host", "--library", BUILD / "host-sdk/libagones_processor_host.so", "--plugin",
            BUILD / "plugin/libagones_processor.so", "--processor", processor.text("port"), "-n", count, "-c", 1, "--request", request)],
                       check=False, stdout=subprocess.DEVNULL, timeout=PATIENCE)
    finally:
        names = processor.stop()
    return names


def contract(folder):
    subprocess.run(["protoc", f"--python_out={folder}", "-I", SOURCE / "proto", "allocation/allocation.proto"], check=True)
    sys.path.insert(0, str(folder))
    return importlib.import_module("allocation.allocation_pb2").AllocationRequest


# ---- a block in another language, as JSON or as the message's bytes in hexadecimal ------------------------

def cpp(folder, text):
    program = ("#include <agones/request.hpp>\n#include <cstdio>\nint main() {\n  const agones::Request request =\n" + text +
               ";\n  for (const unsigned char c : request.bytes()) std::printf(\"%02x\", c);\n}\n")
    (folder / "block.cpp").write_text(program)
    output_of(["c++", "-std=c++17", f"-I{SDK}/include", folder / "block.cpp", "-o", folder / "block"])
    return bytes.fromhex(output_of([folder / "block"]))


def c(folder, text):
    program = ("#include <agones/processor_request.h>\n#include <stdio.h>\nint main(void) {\n  char buffer[1024];\n"
               "  proc_writer writer = proc_writer_on(buffer, sizeof buffer);\n" + text +
               "  if (proc_writer_status(&writer) != PROC_OK) return 1;\n"
               "  for (uint64_t i = 0; i < writer.size; ++i) printf(\"%02x\", (unsigned char)buffer[i]);\n  return 0;\n}\n")
    (folder / "block.c").write_text(program)
    output_of(["cc", "-std=c11", f"-I{SDK}/include", folder / "block.c", "-o", folder / "block"])
    return bytes.fromhex(output_of([folder / "block"]))


def python(_, text):
    return json.dumps(eval(text, {"__builtins__": {}}))  # pylint: disable=eval-used


def js(_, text):
    return output_of(["node", "-e", f"console.log(JSON.stringify({text}))"])


def csharp(folder, text):
    (folder / "Block.cs").write_text("class Block { static void Main() { System.Console.Write(" + text + "); } }\n")
    output_of(["mcs", f"-out:{folder}/Block.exe", folder / "Block.cs"])
    return output_of(["mono", folder / "Block.exe"])


def java(folder, text):
    source = ("package agones.processor;\nimport java.util.List;\nimport java.util.Map;\n"
              "class Block { public static void main(String[] a) { System.out.print(Json.write(" + text + ")); } }\n")
    (folder / "Block.java").write_text(source)
    output_of(["javac", "-d", folder / "java", SDK / "java/src/main/java/agones/processor/Json.java", folder / "Block.java"])
    return output_of(["java", "-cp", folder / "java", "agones.processor.Block"])


def go(folder, text):
    (folder / "block.go").write_text("package main\n\nimport (\n\t\"encoding/json\"\n\t\"os\"\n)\n\nfunc main() {\n"
                                     "\tjson.NewEncoder(os.Stdout).Encode(" + text.strip() + ")\n}\n")
    return output_of(["go", "run", folder / "block.go"], env={**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "off"})


def rust(_, text):
    # json!(...) holds JSON; that the macro takes it is the business of Rust's own scenarios.
    return re.fullmatch(r"serde_json::json!\((.*)\)", text.strip(), re.S)[1]


def lua(_, text):
    return output_of(["luajit", "-e", f"io.write(require('agones_processor.json').encode({text}))"],
                     env={**os.environ, "LUA_PATH": f"{SDK}/lua/src/?.lua;;"})


TRANSLATORS = {"cpp": (cpp, "c++"), "c": (c, "cc"), "python": (python, "python3"), "js": (js, "node"), "csharp": (csharp, "mcs"),
               "java": (java, "javac"), "go": (go, "go"), "rust": (rust, "python3"), "lua": (lua, "luajit")}


class Selectors:
    def __init__(self, folder):
        self._folder = folder
        self._request_class = contract(folder)
        self._first = None  # message
        self._fleet = folder / "fleet.json"
        self._last = None  # file

    def message(self, written):
        if isinstance(written, bytes):
            return self._request_class.FromString(written)
        return json_format.Parse(written, self._request_class())

    def run(self, block):
        """What is wrong with it."""
        kind = block.words[0] if block.words else ""
        if kind == "fleet":
            self._fleet.write_text(block.text)
            return ""
        if kind == "request":
            return self.request(block)
        if kind == "same":
            return self.same(block)
        if kind == "explain":
            done = subprocess.run([BUILD / "sample-host/local-processor", "--fleet-file", self._fleet, "--explain", self._last],
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
            return "" if done.stdout == block.text else f"it prints\n{done.stdout}{done.stderr}"
        return "it does not say what it is"

    def request(self, block):
        self._last = self._folder / f"request.{block.language}"
        self._last.write_text(block.text)
        if self._first is None and block.language == "json":
            self._first = self.message(block.text)
        wanted = (block.value("gets") or "").split(",")
        ends = wanted[-1] == "none"
        names = names_from(self._folder, self._fleet, self._last, len(wanted))
        wanted = wanted[:-1] if ends else wanted
        return "" if names == wanted else f"it gets {names}"

    def same(self, block):
        if block.language not in TRANSLATORS:
            return "a language that this test does not know"
        translate, tool = TRANSLATORS[block.language]
        if shutil.which(tool) is None:
            print(f"examples_test: {block.place}: not run, there is no {tool}")
            return "no " + tool if os.environ.get("CI") else ""
        message = self.message(translate(self._folder, block.text))
        return "" if message == self._first else f"it means {json_format.MessageToJson(message)}"


class Http:
    def __init__(self, folder):
        self._processor = Processor(folder, "--servers", "5", "--like-agones")
        self.paths = set()

    def run(self, block):
        if len(block.words) < 2 or block.words[0] != "POST" or block.value("status") is None:
            return "it does not say what it is"
        self.paths.add(block.words[1])
        url = self._processor.text("page").rstrip("/") + block.words[1]
        asked = urllib.request.Request(url, block.text.encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        return "" if status == int(block.value("status")) else f"{status}: {text}"

    def stop(self):
        self._processor.stop()


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        http = Http(folder)
        counts = {}
        for page, player in ((PAGES / "HTTP.md", http), (PAGES / "SELECTORS.md", Selectors(folder))):
            if page.name == "SELECTORS.md":
                http.stop()
            blocks = blocks_of(page)
            counts[page.name] = len(blocks)
            for block in blocks:
                try:
                    problem = player.run(block)
                except (RuntimeError, ValueError, json_format.ParseError) as error:
                    problem = str(error)
                if problem:
                    print(f"examples_test: {block.place}: {problem}")
                    failed += 1
    served = set(re.findall(r'server\.Post\("(/\w+)"', (PAGES / "http/http_side.cpp").read_text()))
    if served != http.paths:
        print(f"examples_test: HTTP.md shows {sorted(http.paths)}, served are {sorted(served)}")
        failed += 1
    print(f"examples_test: {counts}, {failed} failed")
    return 1 if failed or min(counts.values()) == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
