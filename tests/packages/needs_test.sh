#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the portable files ask of a system, and how large they are: needs_test.sh BUILD_FOLDER
set -euo pipefail
build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
newest_glibc=2.34 # RHEL 9, Ubuntu 22.04, Debian 12, Amazon Linux 2023
most_bytes=9000000
fail() { echo "$*" >&2; exit 1; }

plugin=$build/plugin/libagones_processor.so
for file in "$plugin" "$build"/host-sdk/{libagones_processor_host.so,agones-processor-check} "$build"/sample-host/{game-host,local-processor}; do
  foreign=$(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -Ev '^(lib(c|m|dl|pthread|gcc_s)\.so\.[0-9]|ld-linux.*)' || true)
  [ -z "$foreign" ] || fail "$file needs $foreign"
  glibc=$(objdump -T "$file" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
  [ "$(printf '%s\n' "GLIBC_$newest_glibc" "$glibc" | sort -V | tail -n 1)" = "GLIBC_$newest_glibc" ] ||
    fail "$file needs $glibc: $(objdump -T "$file" | grep "$glibc" | awk '{print $NF}' | xargs); see packaging/portable/older_glibc.c"
  readelf -n "$file" | grep 'Build ID: [0-9a-f]\{40\}' >/dev/null || fail "$file has no build id"
  debug=$(realpath "$file").debug
  [ "$(readelf -n "$debug" | grep 'Build ID')" = "$(readelf -n "$file" | grep 'Build ID')" ] || fail "$debug is not of $file"
  readelf -S "$file" | grep '\.debug_info' >/dev/null && fail "$file has its debug information in it"
  readelf -S "$debug" | grep '\.debug_info' >/dev/null || fail "$debug has no debug information"
  grep -c "$root" "$file" >/dev/null && fail "$file has paths of this machine in it: $(strings "$file" | grep -m 3 "$root")"
  printf '%-32s %5.1f MB, %s\n' "$(basename "$file")" "$(stat -Lc %s "$file" | awk '{print $1 / 1e6}')" "$glibc"
done
bytes=$(stat -Lc %s "$plugin")
[ "$bytes" -lt $most_bytes ] || fail "the plugin has $bytes bytes, of $most_bytes"
