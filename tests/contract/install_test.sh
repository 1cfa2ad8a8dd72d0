#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is installed works for a user: install_test.sh BUILD_FOLDER EXPORTS_TEST C_HOST_SOURCE LOCAL_PROCESSOR
set -euo pipefail
build=$1 exports_test=$2 c_host=$3 local_processor=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" >/dev/null

"$exports_test" "$prefix"/lib/libagones_processor.so "$prefix"/lib/libagones_processor_host.so "$prefix"/include/agones
"$prefix/bin/agones-processor-check" "$prefix/lib/libagones_processor.so" >/dev/null

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
cc $(pkg-config --cflags agones-processor) "$c_host" -o "$work/c-host" -ldl
[ -e "$(pkg-config --variable=plugin agones-processor)" ]
host_library=$(pkg-config --variable=host agones-processor)
[ -e "$host_library" ]

# The host library finds the plugin that is installed beside it.
source "$(dirname "$0")/../support/processor.sh"
start_processor "$local_processor" "$work" --pull-interval-ms 10
[ "$(env -u AGONES_PROCESSOR_PLUGIN "$work/c-host" "$host_library" "$address" 5 | wc -l)" -eq 5 ]
# Without it, the error says where it looked.
mkdir "$work/alone"
cp "$prefix"/lib/libagones_processor_host.so "$work/alone"
if "$work/c-host" "$work/alone/libagones_processor_host.so" "$address" 5 2>"$work/log"; then
  echo "the host library found a plugin that is not there" >&2
  exit 1
fi
grep -q "no plugin is found: AGONES_PROCESSOR_PLUGIN is not set; there is none in '$work/alone'" "$work/log" || { cat "$work/log"; exit 1; }
# In the library path it is found as well.
[ "$(LD_LIBRARY_PATH=$prefix/lib "$work/c-host" "$work/alone/libagones_processor_host.so" "$address" 5 | wc -l)" -eq 5 ]

cp -r "$(dirname "$0")/user" "$work/user"
cmake -S "$work/user" -B "$work/user/build" "-DCMAKE_PREFIX_PATH=$prefix" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/user/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/user/build/user"
"$work/user/build/linked"
