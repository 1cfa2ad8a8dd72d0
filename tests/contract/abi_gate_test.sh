#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The ABI gate lets today's header pass and stops a changed one: abi_gate_test.sh PROBE PROBE_SOURCE
set -euo pipefail
cd "$(dirname "$0")/../.."
probe=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

packaging/check-abi "$probe"

# A field put into the middle of a released struct.
mkdir "$work/agones"
cp host-sdk/include/agones/processor_swap.h "$work/agones"
sed 's/^  proc_delivery delivery;$/  uint64_t put_in;\n&/' host-sdk/include/agones/processor.h >"$work/agones/processor.h"
cmp -s host-sdk/include/agones/processor.h "$work/agones/processor.h" && { echo "nothing was changed"; exit 1; }
cc -g -shared -fPIC "-I$work" -o "$work/probe.so" "$source"
if packaging/check-abi "$work/probe.so" >"$work/out" 2>&1; then
  echo "the gate let a broken struct pass"
  exit 1
fi
grep -q "put_in" "$work/out" || { cat "$work/out"; exit 1; }
echo "the gate stops what it should"
