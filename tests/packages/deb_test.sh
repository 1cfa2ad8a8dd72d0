#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The .debs in clean systems: deb_test.sh PACKAGES ROOTS C_HOST
set -euo pipefail
packages=$1 roots=$2
source "$(dirname "$0")/root.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lintian --allow-root --fail-on error,warning "$packages"/*_"$(dpkg --print-architecture)".deb

# To run: the library and the programs, and nothing that the bare system lacks.
root=$work/bare
unpack_root "$roots" bare "$root"
cp "$packages"/libagones-processor1_*_"$(dpkg --print-architecture)".deb "$packages"/agones-processor-tools_*_"$(dpkg --print-architecture)".deb "$root/tmp"
in_root "$root" sh -c 'dpkg -i /tmp/*.deb' >"$work/log" 2>&1 || fail "$(cat "$work/log")"
in_root "$root" game-host --count 100 >"$work/log" 2>&1 || fail "$(cat "$work/log")"
grep "ALLOCATED *100" "$work/log" >/dev/null || fail "$(cat "$work/log")"
in_root "$root" agones-processor-check /usr/lib/libagones_processor.so.1 >/dev/null
in_root "$root" sh -c 'dpkg -r agones-processor-tools libagones-processor1' >/dev/null
[ -z "$(find "$root/usr" -name '*agones*')" ] || fail "left behind: $(find "$root/usr" -name '*agones*')"
echo "lintian is content; installed, used, removed"
