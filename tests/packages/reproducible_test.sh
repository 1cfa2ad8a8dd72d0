#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A second build, of a copy of the sources in another folder, makes the same bytes: reproducible_test.sh PLUGIN
set -euo pipefail
plugin=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/another/place/build"
(cd "$root" && git ls-files -z | xargs -0 cp --parents -t "$work/another/place")
# What was rebuilt from Debian's sources is shared: it takes longest, and its own folder is a new one each time.
cp -a "$root/build/portable-dependencies" "$work/another/place/build"
cd "$work/another/place"
cmake --preset portable >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build --preset portable --target agones_processor processor_host >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
for file in plugin/libagones_processor.so host-sdk/libagones_processor_host.so; do
  cmp "$(dirname "$plugin")/../$file" "build/portable/$file"
  sha256sum "build/portable/$file" | sed "s|build/portable/||"
done
