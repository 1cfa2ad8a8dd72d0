#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Hosts that export, globally and before the plugin, everything that is inside of it: interposed_test.sh BUILD_FOLDER C_HOST
#   a library of traps, one under each name that the plugin and the host library hide, whatever its version: a call ends the process
#   the real ones: OpenSSL 3, gRPC, the full Protobuf
set -euo pipefail
build=$1 c_host=$2
work=$(mktemp -d)
source "$(dirname "$0")/../support/processor.sh"
start_processor "$build/sample-host/local-processor" "$work" --pull-interval-ms 10 --servers 1000

plugin=$build/plugin/libagones_processor.so host_library=$build/host-sdk/libagones_processor_host.so
nm --defined-only "$(realpath "$plugin").debug" "$(realpath "$host_library").debug" |
  awk 'NF == 3 && $2 ~ /^[tTwWdDbBrRvVu]$/ && $3 ~ /^[A-Za-z_][A-Za-z0-9_]*$/ {print $3}' |
  grep -Ev '^(proc_.*|_init|_fini|_DYNAMIC|_GLOBAL_OFFSET_TABLE_|__dso_handle|_edata|_end|__bss_start|_start|main)$' | sort -u >"$work/hidden"
# What libc exports is libc's for everybody.
nm -D --defined-only /lib/*/libc.so.6 /lib/*/libm.so.6 | awk 'NF == 3 {sub("@.*", "", $3); print $3}' | sort -u >"$work/libc"
comm -23 "$work/hidden" "$work/libc" >"$work/names"
awk '{print ".globl " $1 "\n.type " $1 ",@function\n" $1 ":"} END {print "ud2\n.section .note.GNU-stack,\"\",%progbits"}' "$work/names" >"$work/traps.s"
cc -shared -nostdlib -o "$work/libtraps.so" "$work/traps.s"
count=$(wc -l <"$work/names")
[ "$count" -gt 10000 ] || { echo "only $count names are hidden: are these the right files?" >&2; exit 1; }

allocates() { # what is exported, preloaded libraries
  for library in "$plugin" "$host_library"; do
    got=$(env AGONES_PROCESSOR_PLUGIN="$plugin" LD_PRELOAD="$2" "$c_host" "$library" "$address" 50 | wc -l)
    [ "$got" -eq 50 ] || { echo "$got of 50 under $1 with $library" >&2; exit 1; }
  done
  echo "nothing is interposed by $1"
}
allocates "$count traps" "$work/libtraps.so"
allocates "OpenSSL 3, gRPC and Protobuf" "libssl.so.3 libcrypto.so.3 libgrpc++.so libgrpc.so libprotobuf.so"

# The traps do catch: a program that uses the shared zlib falls into one.
printf '#include <zlib.h>\nint main(void) { return (int)crc32(0, (const unsigned char*)"x", 1) == 0; }\n' >"$work/zlib.c"
cc "$work/zlib.c" -o "$work/zlib" -lz
"$work/zlib"
if LD_PRELOAD=$work/libtraps.so "$work/zlib" 2>/dev/null; then
  echo "the traps catch nothing" >&2
  exit 1
fi
