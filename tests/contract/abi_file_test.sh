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
sed -i '0,/"offset": 24/s//"offset": 20/' "$work/sdk/abi/processor.abi.json"
numbers_hold "$work/sdk" && fail "a wrong offset was not noticed"
"$work/sdk/abi/generate"
sed -i 's/^  proc_delivery delivery;$/  uint64_t put_in;\n&/' "$work/sdk/include/agones/processor.h"
"$work/sdk/abi/generate" --check && fail "a changed header was not noticed"
echo "the file holds, and its checks notice what they should"
