#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# agones-processor-check on a good plugin and on broken ones: check_test.sh CHECK PLUGIN BROKEN_FOLDER
set -euo pipefail
check=$1 plugin=$2 broken=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

expect() { # exit-code text file
  local code=0
  "$check" "$3" >"$work/out" 2>&1 || code=$?
  if [ "$code" -ne "$1" ] || ! grep -q -- "$2" "$work/out"; then
    echo "expected exit code $1 and '$2', got $code and:"
    cat "$work/out"
    failed=1
  fi
}

head -c 200000 "$plugin" >"$work/cut.so"
# The machine is at byte 18 of an ELF header; 40 is ARM.
cp "$plugin" "$work/arm.so"
printf '\x28\x00' | dd of="$work/arm.so" bs=1 seek=18 conv=notrunc status=none
echo text >"$work/text.so"

expect 0 "it can be used" "$plugin"
expect 1 "cannot be read" "$work/none.so"
expect 1 "it is not an ELF file" "$work/text.so"
expect 1 "cut off or damaged" "$work/cut.so"
expect 1 "another architecture" "$work/arm.so"
expect 1 "does not export proc_version, " "$broken/libbroken_missing_symbol.so"
expect 1 "has ABI version 2.0" "$broken/libbroken_wrong_version.so"
expect 1 "crashes: Aborted" "$broken/libbroken_crashing_initializer.so"
expect 1 "it leaves threads behind" "$broken/libbroken_leaking_thread.so"
expect 1 "stays in the process: a library in it is pinned" "$broken/libbroken_pinned.so"
expect 1 "collide with the host's: grpc_init" "$broken/libbroken_stray_symbol.so"

# Installing: the file as it is, whole, and nothing beside it; what is broken replaces nothing.
mkdir "$work/folder"
"$check" "$plugin" --install "$work/folder" | grep "it is now $work/folder/$(basename "$plugin")" >/dev/null || failed=1
cmp "$plugin" "$work/folder/$(basename "$plugin")" || failed=1
cp "$work/text.so" "$work/$(basename "$plugin")"
"$check" "$work/$(basename "$plugin")" --install "$work/folder" >"$work/out" && failed=1
cmp "$plugin" "$work/folder/$(basename "$plugin")" || failed=1
[ "$(find "$work/folder" -type f | wc -l)" -eq 1 ] || failed=1
"$check" "$plugin" --install "$work/folder" --stay >"$work/out" &
stays=$!
for _ in $(seq 600); do
  grep -q "it is now" "$work/out" && break
  sleep 0.05
done
kill -TERM $stays && wait $stays || failed=1
"$check" "$plugin" --install "$work/no-folder" >"$work/out" 2>&1 && failed=1
grep -q "no-folder" "$work/out" || failed=1
[ "$failed" -eq 0 ] && echo "every fault was found and named"
exit $failed
