#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the two libraries export and need: exports_test.sh [--portable] PLUGIN HOST_LIBRARY HEADER_FOLDER
set -euo pipefail
portable=no
if [ "$1" = --portable ]; then
  portable=yes
  shift
fi
plugin=$1 host_library=$2 headers=$3

declared() { sed -n 's/^PROC_API .* \(proc_[a-z_]*\);$/\1/p' "$1"; }
# What is asked is read to its end (no grep -q): whoever writes into a closed pipe has failed.
# Each symbol with its version.
exported() { nm -D --defined-only --with-symbol-versions "$1" | awk '$2 != "A" {print $3}' | sort; }
at() { sed "s/$/@@$1/"; }
fail() { echo "$*" >&2; exit 1; }

check() { # library, what is expected
  if [ "$(exported "$1")" != "$2" ]; then
    diff <(echo "$2") <(exported "$1") >&2 || true
    fail "$1 exports something else than the headers declare"
  fi
  # A unique symbol would keep the library mapped for ever.
  readelf -W --dyn-syms "$1" | grep ' UNIQUE ' && fail "$1 has UNIQUE symbols"
  readelf -d "$1" | grep -E 'SONAME.*\[libagones_processor(_host)?\.so\.1\]' >/dev/null || fail "$1: its SONAME lacks the major version"
}
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

abi=$(declared "$headers/processor.h" | at AGONES_PROCESSOR_1)
swap=$(declared "$headers/processor_swap.h" | at AGONES_PROCESSOR_SWAP_1)
check "$plugin" "$(echo "$abi" | sort)"
check "$host_library" "$(printf '%s\n%s\n' "$abi" "$swap" | sort)"

if [ $portable = yes ]; then
  for library in "$plugin" "$host_library"; do
    foreign=$(needed "$library" | grep -Ev '^(lib(c|m|dl|pthread|gcc_s)\.so\.[0-9]|ld-linux.*)' || true)
    [ -z "$foreign" ] || fail "$library needs $foreign"
    # What a host could put in place of ours: libc's functions alone. (Those of the compiler's that are never there have no version.)
    foreign=$(nm -D --undefined-only "$library" | grep -Ev '@GLIBC_| w (__gmon_start__|_ITM_|__cxa_finalize)' || true)
    [ -z "$foreign" ] || fail "$library asks the host for $foreign"
  done
else
  needed "$plugin" | grep -E '^(libgrpc|libgpr|libprotobuf|libboost)' && fail "the plugin needs a library that it must not"
  needed "$host_library" | grep -E '^(libgrpc|libgpr|libprotobuf|libboost|libabsl)' &&
    fail "the host library needs a library that it must not"
fi
echo "exports: $(echo "$abi" | wc -l) functions, and $(echo "$swap" | wc -l) for swapping, as promised"
