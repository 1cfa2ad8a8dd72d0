#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What proto/generate made is what the .proto files say, and a field that one of them gets reaches every place: proto_files_test.sh ROOT
set -euo pipefail
root=$1
fail() { echo "$*" >&2; exit 1; }
"$root/proto/generate" --check

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
generated=(plugin/wire/field_numbers.h plugin/request/schema_tables.inc host-sdk/include/agones/{processor_request.h,request.hpp,response.hpp})
for path in "${generated[@]}"; do
  install -D "$root/$path" "$work/$path"
done
cp -r "$root/proto" "$work"
sed -i 's/^  map<string, ListAction> lists = 11;$/&\n  repeated MetaPatch puttingIn = 12;  \/\/ a comment/
  s/^    Distributed = 1;$/&\n    Mixed = 2;/; s/^  string source = 6;$/&\n  string puttingOut = 11;/' "$work/proto/allocation/allocation.proto"
"$work/proto/generate" --check 2>"$work/says" && fail "a new field was not noticed"
for path in "${generated[@]}"; do
  grep -F "$path" "$work/says" >/dev/null || fail "$path: is not said to be stale"
done
"$work/proto/generate"
"$work/proto/generate" --check
has() { grep -F -e "$2" "$work/$1" >/dev/null || fail "$1 lacks: $2"; }
has plugin/wire/field_numbers.h 'kPuttingIn = 12;'
has plugin/wire/field_numbers.h 'kPuttingOut = 11;'
[ "$(grep -cF '{12, "puttingIn", FieldKind::kMessage, true, &kMetaPatch},' "$work/plugin/request/schema_tables.inc")" -eq 2 ] ||
  fail "JSON and manifests do not both have the new field"
has plugin/request/schema_tables.inc '{11, "puttingOut", FieldKind::kString},'
has plugin/request/schema_tables.inc '{"Mixed", 2}'
has host-sdk/include/agones/processor_request.h '/* repeated message: PROC_METADATA_*; a comment */'
has host-sdk/include/agones/processor_request.h 'PROC_SCHEDULING_MIXED = 2'
has host-sdk/include/agones/request.hpp 'kMixed = PROC_SCHEDULING_MIXED,'
has host-sdk/include/agones/response.hpp 'kPuttingOut = 11;'
echo "a new field is one line of the .proto"
