#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# host-sdk/abi/processor.abi.json says what the headers say, in every number: abi_file_test.sh HOST_SDK_FOLDER
set -euo pipefail
sdk=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*" >&2; exit 1; }

numbers_hold() { # host-sdk folder
  "$1/abi/generate" --assertions >"$work/assertions.c"
  cc -std=c11 -Wall -Wextra -Werror "-I$sdk/include" -o "$work/assertions" "$work/assertions.c" && "$work/assertions"
}
"$sdk/abi/generate" --check
numbers_hold "$sdk"

# Both notice it when that is not so.
mkdir "$work/sdk"
cp -r "$sdk/abi" "$sdk/include" "$work/sdk"
install -D "$sdk/../plugin/contract/config_table.inc" "$work/plugin/contract/config_table.inc"
cp "$sdk/../README.md" "$work"
sed -i '0,/"offset": 24/s//"offset": 20/' "$work/sdk/abi/processor.abi.json"
numbers_hold "$work/sdk" && fail "a wrong offset was not noticed"
"$work/sdk/abi/generate"
sed -i 's/^  proc_delivery delivery;$/  uint64_t put_in;\n&/' "$work/sdk/include/agones/processor.h"
"$work/sdk/abi/generate" --check && fail "a changed header was not noticed"

# A number of the config that is changed in its table reaches what tells of it.
"$work/sdk/abi/generate"
sed -i 's/^\(AGONES_CONFIG_FIELD(max_streams, kNumber\), 1, 64, 32)$/\1, 2, 48, 24)/' "$work/plugin/contract/config_table.inc"
"$work/sdk/abi/generate" --check 2>"$work/says" && fail "a changed number was not noticed"
for file in processor.h processor.abi.json README.md; do
  grep -F " $file" "$work/says" >/dev/null || fail "$file is not said to be stale"
done
"$work/sdk/abi/generate"
"$work/sdk/abi/generate" --check
grep -F '[2 to 48; 24] */' "$work/sdk/include/agones/processor.h" >/dev/null || fail "the header does not say it"
grep -F '| `max_streams` | 24 |' "$work/README.md" >/dev/null || fail "README does not say it"
echo "the file holds, and its checks notice what they should"
