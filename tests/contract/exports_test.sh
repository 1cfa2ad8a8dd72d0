#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the plugin exports and needs: exports_test.sh PLUGIN HEADER
set -euo pipefail
plugin=$1 header=$2

exported=$(nm -D --defined-only "$plugin" | awk '{print $3}' | sed 's/@.*//' | sort)
expected=$( (sed -n 's/^PROC_API .* \(proc_[a-z_]*\);$/\1/p' "$header"; echo AGONES_PROCESSOR_1) | sort)
if [ "$exported" != "$expected" ]; then
  echo "the plugin exports something else than the header declares:" >&2
  diff <(echo "$expected") <(echo "$exported") >&2
  exit 1
fi
# A unique symbol would keep the library mapped for ever.
if readelf -W --dyn-syms "$plugin" | grep -q ' UNIQUE '; then
  echo "the plugin has UNIQUE symbols" >&2
  exit 1
fi
needed=$(readelf -d "$plugin" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
if echo "$needed" | grep -E '^(libgrpc|libgpr|libprotobuf\.so|libboost)' >&2; then
  echo "the plugin needs a library that it must not" >&2
  exit 1
fi
echo "$needed" | grep -q '^libprotobuf-lite' || { echo "libprotobuf-lite is expected" >&2; exit 1; }
echo "exports: $(echo "$exported" | wc -l) symbols, $(echo "$needed" | wc -l) needed libraries, as promised"
