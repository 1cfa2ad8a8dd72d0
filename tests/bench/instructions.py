#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of a submit with callgrind: the same on every machine, however busy.

  instructions.py BUILD            prints them, and fails if they are more than the limits
  instructions.py BUILD --profile  also says which functions they are spent in
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

COUNT = 2000
# A tenth above what was measured last; another compiler or allocator counts a little differently.
LIMITS = {"protobuf": 2060, "json": 7860}


def measure(build, body):
    """Instructions of one submit, and the functions that they are spent in."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=proc_allocate",
                        f"--callgrind-out-file={out}", build / "tests/submit-loop",
                        build / "plugin/libagones_processor.so", body, str(COUNT)], check=True, capture_output=True,
                       timeout=240)
        text = subprocess.run(["callgrind_annotate", "--threshold=97", out], check=True, capture_output=True,
                              text=True).stdout
    total = int(re.search(r"^\s*([\d,]+)\s.*PROGRAM TOTALS", text, re.M)[1].replace(",", "")) / COUNT
    functions = {}
    for count, name in re.findall(r"^\s*([\d,]+) \([^)]*\)\s+\S+?:(.*?)(?: \[.*)?$", text, re.M):
        functions[short(name)] = functions.get(short(name), 0) + int(count.replace(",", "")) / COUNT
    return {"mode": "instructions", "client": body, "total": total, "functions": functions}


def short(name):
    """Without arguments, namespaces, template parameters."""
    while True:
        shorter = re.sub(r"<[^<>]*>", "", name)
        if shorter == name:
            return re.sub(r"agones::plugin::|\(anonymous namespace\)::|\(.*\)( const)?$|'\d+$", "", name)
        name = shorter


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    failed = False
    for body, limit in LIMITS.items():
        measured = measure(options.build.resolve(), body)
        each = measured["total"]
        print(f"submit of {body}: {each:.0f} instructions, at most {limit}")
        failed = failed or each > limit
        for name, count in measured["functions"].items() if options.profile else ():
            print(f"  {count:6.0f}  {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
