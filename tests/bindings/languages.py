# SPDX-License-Identifier: Apache-2.0
"""How each language's programs are built and run."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Where Rust and Go put themselves, if nobody has told the shell.
os.environ["PATH"] += f":{Path.home()}/.cargo/bin:/usr/local/go/bin"
SOURCE = Path(__file__).resolve().parents[2]
SDK = SOURCE / "host-sdk"


def run(command, **options):
    """The output of a command that fails; else nothing."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    return "" if done.returncode == 0 else f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


def must(command, **options):
    problem = run(command, **options)
    if problem:
        sys.exit(f"bindings: {problem}")


class Language:
    tools = ()

    def missing(self):
        return ", ".join(tool for tool in self.tools if shutil.which(tool) is None)

    def build(self, build):
        """Whatever is needed before command()."""

    def command(self, build, arguments):
        raise NotImplementedError

    def checks(self, build):
        """Functions that return what is wrong."""
        return []


class Python(Language):
    tools = ("mypy",)
    python = "/usr/bin/python3"

    def command(self, build, arguments):
        return [self.python, "-W", "error", SDK / "python/tests/scenarios.py", *arguments], {**os.environ, "PYTHONPATH": str(SDK / "python/src")}

    def checks(self, build):
        def types():
            return run(["mypy", "--strict", "src/agones_processor", "tests/scenarios.py"], cwd=SDK / "python",
                       env={**os.environ, "MYPYPATH": "src"})

        def fork():
            command, environment = self.command(build, ["fork", str(build / "host-sdk/libagones_processor_host.so"), "127.0.0.1:1", ""])
            return run(command, env={**environment, "AGONES_PROCESSOR_PLUGIN": str(build / "plugin/libagones_processor.so")})

        def names():
            """As README prints them, whatever the version of Python."""
            code = ("from agones_processor import *; o, d = Outcome.REJECTED, Delivery.UNKNOWN; "
                    "assert f'{o} {d:>8} {d!s} {d:02d}' == 'REJECTED  UNKNOWN UNKNOWN 02', f'{o} {d:>8} {d!s} {d:02d}'; "
                    "assert str(ConnectionState.SERVING) == 'SERVING' and str(Status.BUSY) == 'BUSY'")
            return run([self.python, "-c", code], env={**os.environ, "PYTHONPATH": str(SDK / "python/src")})

        return [types, fork, names]


class Node(Language):
    tools = ("node", "npm")

    def _folder(self, build):
        return build / "bindings/node"

    def build(self, build):
        folder = self._folder(build)
        shutil.copytree(SDK / "node", folder, dirs_exist_ok=True)
        if not (folder / "node_modules/koffi").exists():
            must(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder)
        must(["node_modules/.bin/tsc", "--outDir", "out", "--rootDir", "."], cwd=folder)
        # The compiled test asks for ../lib.
        shutil.copytree(folder / "lib", folder / "out/lib", dirs_exist_ok=True)

    def command(self, build, arguments):
        return ["node", self._folder(build) / "out/test/scenarios.js", *arguments], {**os.environ}


class CSharp(Language):
    """Under Mono, which Debian has."""
    tools = ("mcs", "mono")

    def build(self, build):
        folder = build / "bindings/csharp"
        folder.mkdir(parents=True, exist_ok=True)
        must(["mcs", "-unsafe", "-warnaserror", "-target:library", f"-out:{folder}/Agones.Processor.dll", *sorted((SDK / "csharp/src").glob("*.cs"))])
        must(["mcs", "-warnaserror", f"-r:{folder}/Agones.Processor.dll", f"-out:{folder}/Scenarios.exe", SDK / "csharp/test/Scenarios.cs"])

    def command(self, build, arguments):
        return ["mono", build / "bindings/csharp/Scenarios.exe", *arguments], {**os.environ}


class Rust(Language):
    tools = ("cargo",)

    def _cargo(self, build, *arguments):
        return ["cargo", *arguments, "--quiet", "--manifest-path", SDK / "rust/Cargo.toml", "--target-dir", build / "bindings/rust"]

    def build(self, build):
        must(self._cargo(build, "build", "--release", "--example", "scenarios"))

    def command(self, build, arguments):
        return [build / "bindings/rust/release/examples/scenarios", *arguments], {**os.environ}

    def checks(self, build):
        def clippy():
            return run([*self._cargo(build, "clippy", "--release", "--all-targets"), "--", "-D", "warnings"])

        def without_tokio():
            return run([*self._cargo(build, "clippy", "--release", "--no-default-features"), "--", "-D", "warnings"])

        def doc():
            return run(self._cargo(build, "doc", "--release", "--no-deps"), env={**os.environ, "RUSTDOCFLAGS": "-D warnings"})

        def format_():
            return run(["cargo", "fmt", "--check", "--manifest-path", SDK / "rust/Cargo.toml"])

        return [clippy, without_tokio, doc, format_]


class Java(Language):
    """With Debian's JNA."""
    tools = ("javac", "java")
    jna = Path("/usr/share/java/jna.jar")

    def missing(self):
        return super().missing() or ("" if self.jna.exists() else "JNA")

    def build(self, build):
        folder = build / "bindings/java"
        shutil.rmtree(folder, ignore_errors=True)
        sources = sorted((SDK / "java/src/main").rglob("*.java"))
        must(["javac", "--release", "17", "-Xlint:all", "-Werror", "-cp", self.jna, "-d", folder / "main", *sources])
        must(["javac", "--release", "17", "-Xlint:all", "-Werror", "-cp", f"{folder}/main:{self.jna}", "-d", folder / "test",
              SDK / "java/src/test/java/Scenarios.java"])

    def command(self, build, arguments):
        folder = build / "bindings/java"
        return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{folder}/main:{folder}/test:{self.jna}", "Scenarios", *arguments], {**os.environ}


class Go(Language):
    """Without cgo."""
    tools = ("go",)
    program = "scenarios"
    tags = ""
    environment = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"}

    def build(self, build):
        folder = build / "bindings/go"
        folder.mkdir(parents=True, exist_ok=True)
        must(["go", "build", "-tags", self.tags, "-o", folder / self.program, "./scenarios"], cwd=SDK / "go", env={**os.environ, **self.environment})

    def command(self, build, arguments):
        return [build / "bindings/go" / self.program, *arguments], {**os.environ}

    def checks(self, build):
        def vet():
            return run(["go", "vet", "-tags", self.tags, "./..."], cwd=SDK / "go", env={**os.environ, **self.environment})

        def format_():
            unformatted = subprocess.run(["gofmt", "-l", "."], cwd=SDK / "go", capture_output=True, text=True, check=True).stdout
            return unformatted and f"not as gofmt has it: {unformatted}"

        return [vet, format_]


class GoWithCgo(Go):
    """With the build tag agones_cgo."""
    tools = ("go", "cc")
    program = "scenarios-cgo"
    tags = "agones_cgo"
    environment = {"CGO_ENABLED": "1", "GOFLAGS": "-mod=mod"}


class Lua(Language):
    """LuaJIT."""
    tools = ("luajit",)

    def command(self, build, arguments):
        source = SDK / "lua/src"
        return ["luajit", SDK / "lua/test/scenarios.lua", *arguments], {**os.environ, "LUA_PATH": f"{source}/?.lua;{source}/?/init.lua"}


class Built(Language):
    """C and C++: the build has made it."""

    def __init__(self, program):
        self._program = program

    def command(self, build, arguments):
        return [build / "tests" / self._program, *arguments], {**os.environ}


LANGUAGES = {"c": Built("scenarios-c"), "cpp": Built("scenarios-cpp"),
             "python": Python(), "node": Node(), "csharp": CSharp(), "rust": Rust(), "java": Java(), "go": Go(), "go-cgo": GoWithCgo(),
             "lua": Lua()}
