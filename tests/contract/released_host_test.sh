#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A host of a release with a plugin of another: released_host_test.sh HOST PLUGIN LOCAL_PROCESSOR
set -euo pipefail
host=$1 plugin=$2 local_processor=$3
work=$(mktemp -d)
"$local_processor" --listen 127.0.0.1:0 --pull-interval-ms 10 --port-file "$work/port" >/dev/null &
processor=$!
trap 'kill $processor; wait $processor 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 600); do
  [ -e "$work/port" ] && break
  sleep 0.05
done
allocated=$("$host" "$plugin" "$(cat "$work/port")" 25 | wc -l)
[ "$allocated" -eq 25 ]
