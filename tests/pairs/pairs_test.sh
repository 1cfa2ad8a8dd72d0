#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every host with every library, and through every host library with every plugin, swapped to every other:
#   pairs_test.sh LOCAL_PROCESSOR -- HOST... -- HOST_LIBRARY... -- PLUGIN...
set -euo pipefail
local_processor=$1
shift 2
hosts=() host_libraries=() plugins=()
for list in hosts host_libraries plugins; do
  declare -n into=$list
  while [ $# -gt 0 ] && [ "$1" != -- ]; do into+=("$1"); shift; done
  shift || true
done

work=$(mktemp -d)
source "$(dirname "$0")/../support/processor.sh"
start_processor "$local_processor" "$work" --servers 100000 --pull-interval-ms 5

count=25 pairs=0
run() { # host, arguments
  local allocated
  allocated=$("$@" | wc -l) || { echo "failed: $*" >&2; exit 1; }
  [ "$allocated" -eq $count ] || { echo "$allocated of $count were allocated: $*" >&2; exit 1; }
  pairs=$((pairs + 1))
}
for host in "${hosts[@]}"; do
  for plugin in "${plugins[@]}"; do
    run "$host" "$plugin" "$address" $count
    for library in "${host_libraries[@]}"; do
      for next in "${plugins[@]}"; do
        AGONES_PROCESSOR_PLUGIN=$plugin run "$host" "$library" "$address" $count "$next"
      done
    done
  done
done
echo "$pairs pairs of ${#hosts[@]} hosts, ${#host_libraries[@]} host libraries, ${#plugins[@]} plugins: all is well"
