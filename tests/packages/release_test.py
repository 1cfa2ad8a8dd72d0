#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a release says of itself is so: release_test.py RELEASE_FOLDER PLUGIN"""
import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path

from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]

# The part of CycloneDX 1.5's schema that is used here.
SCHEMA = {
    "type": "object",
    "required": ["bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"],
    "properties": {
        "bomFormat": {"const": "CycloneDX"},
        "specVersion": {"const": "1.5"},
        "serialNumber": {"pattern": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
        "components": {"type": "array", "uniqueItems": True, "items": {
            "type": "object",
            "required": ["type", "bom-ref", "name"],
            "properties": {
                "type": {"enum": ["library", "application", "file"]},
                "hashes": {"items": {"properties": {"alg": {"const": "SHA-256"}, "content": {"pattern": "^[0-9a-f]{64}$"}}}},
                "purl": {"pattern": "^pkg:deb/debian/[a-z0-9.+-]+@[^ ]+$"},
                "licenses": {"items": {"oneOf": [{"required": ["license"]}, {"required": ["expression"]}]}},
            }}},
    },
}


def fail(problem):
    sys.exit(f"release: {problem}")


def check_sums(folder):
    listed = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    there = {file.name for file in folder.iterdir()} - {"SHA256SUMS"}
    if set(listed) != there:
        fail(f"SHA256SUMS and the folder differ in {set(listed) ^ there}")
    for name, expected in listed.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            fail(f"{name} has another checksum")
    return there


def check_bill(folder, plugin):
    [file] = folder.glob("*.cdx.json")
    bill = json.loads(file.read_text())
    problems = [error.message for error in Draft7Validator(SCHEMA).iter_errors(bill)]
    if problems:
        fail(f"{file.name}: {problems}")
    refs = {component["bom-ref"] for component in bill["components"]}
    for dependency in bill["dependencies"]:
        missing = set(dependency["dependsOn"]) - refs
        if missing:
            fail(f"{file.name}: {dependency['ref']} depends on {missing}, which are not there")
    # What the library says is in it, the bill has: and the other way round, the code is in it.
    note = json.loads(subprocess.run([ROOT / "packaging/versions", plugin, "--json"], check=True, capture_output=True, text=True).stdout)
    for component in note["components"]:
        if f"{component['name']}@{component['version']}" not in refs:
            fail(f"{file.name} lacks {component}")
    names = {component["name"] for component in note["components"]}
    if not {"grpc", "openssl", "abseil", "zlib", "c-ares", "re2", "libstdc++"} <= names:
        fail(f"the library tells of {sorted(names)} only")
    content = plugin.read_bytes()
    openssl = next(one["version"] for one in note["components"] if one["name"] == "openssl")
    if f"\0{openssl.split('-')[0]}\0".encode() not in content:
        fail(f"the library says that OpenSSL {openssl} is in it, its code says another version")


def check_tarball(folder):
    [file] = [file for file in folder.glob("agones-processor-*-linux-*.tar.xz") if "-debug" not in file.name]
    with tarfile.open(file) as archive:
        members = archive.getmembers()
    if any(member.uid or member.gid or member.mtime != members[0].mtime for member in members):
        fail(f"{file.name}: owners or times of a machine are in it")


def check_refusals():
    """A wrong version is refused by name, and nothing is made."""
    done = subprocess.run([ROOT / "packaging/release", "9.9.9", "/nonexistent"], capture_output=True, text=True, check=False)
    if done.returncode == 0 or "not 9.9.9" not in done.stderr:
        fail(f"version 9.9.9 was not refused: {done.stderr}")


def main():
    folder, plugin = Path(sys.argv[1]), Path(sys.argv[2])
    there = check_sums(folder)
    for part in (".tar.xz", "-debug.tar.xz", "-abi.tar.xz", "libagones-processor1_", "libagones-processor-dev_", "agones-processor-tools_",
                 "local-processor-", "agones-processor-plugin-", ".cdx.json"):
        if not any(part in name for name in there):
            fail(f"there is no {part}")
    check_bill(folder, plugin)
    check_tarball(folder)
    check_refusals()
    print(f"{len(there)} files are as they say")


if __name__ == "__main__":
    main()
