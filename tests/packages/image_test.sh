#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The images' roots, run: image_test.sh PACKAGES ROOTS C_HOST
set -euo pipefail
packages=$1 c_host=$3
source "$(dirname "$0")/root.sh"
work=$(mktemp -d)
trap 'end_in_root; rm -rf "$work"' EXIT
architecture=$(dpkg --print-architecture)

unpack() { # name; its root, and its config
  mkdir -p "$work/$1-layout"
  tar -xf "$packages/$1"-[0-9]*-"$architecture".oci.tar -C "$work/$1-layout"
  tag=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"])' \
    "$work/$1-layout/index.json")
  umoci unpack --image "$work/$1-layout:$tag" "$work/$1"
  mkdir -p "$work/$1/rootfs"/{proc,dev}
}
config() { python3 -c 'import json, sys; print(eval("json.load(open(sys.argv[1]))" + sys.argv[2]))' "$work/$1/config.json" "$2"; }

unpack local-processor
arguments=$(config local-processor '["process"]["args"]')
[ "$arguments" = "['/bin/local-processor', '--listen', '0.0.0.0:9090']" ] || fail "it would run $arguments"
[ "$(config local-processor '["process"]["user"]["uid"]')" = 65532 ] || fail "it would run as another user"
start_in_root "$work/local-processor/rootfs" /bin/local-processor --pull-interval-ms 10

# The plugin's image, as an init container puts it into a folder.
unpack agones-processor-plugin
root=$work/agones-processor-plugin/rootfs
mkdir "$root/shared"
in_root "$root" /bin/agones-processor-check /libagones_processor.so --install /shared >"$work/log" || fail "$(cat "$work/log")"
got=$("$c_host" "$root/shared/libagones_processor.so" "$address" 20 | wc -l)
[ "$got" -eq 20 ] || fail "$got of 20 were allocated"
got=$(AGONES_PROCESSOR_PLUGIN=$root/libagones_processor.so "$c_host" "$root/libagones_processor_host.so" "$address" 20 | wc -l)
[ "$got" -eq 20 ] || fail "through the host library $got of 20 were allocated"
du -sh "$work/local-processor/rootfs" "$root" | awk '{print $1}' | xargs echo "unpacked and run; sizes:"
