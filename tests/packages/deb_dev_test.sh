#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The -dev package in a clean system with a compiler: deb_dev_test.sh PACKAGES ROOTS C_HOST
set -euo pipefail
packages=$1 roots=$2
source "$(dirname "$0")/root.sh"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A host in C by pkg-config, and hosts in C and C++ by CMake.
root=$work/dev
unpack_root "$roots" dev "$root"
cp "$packages"/libagones-processor{1,-dev}_*_"$(dpkg --print-architecture)".deb "$root/tmp"
in_root "$root" sh -c 'dpkg -i /tmp/*.deb' >"$work/log" 2>&1 || fail "$(cat "$work/log")"
cp "$here/../../sample-host/c-host/c_host.c" "$root/tmp"
cp -r "$here/../contract/user" "$root/tmp/user"
in_root "$root" sh -ec 'cd /tmp
  cc $(pkg-config --cflags agones-processor) c_host.c -o c-host
  test -e "$(pkg-config --variable=host agones-processor)"
  cmake -G Ninja -S user -B user/build && cmake --build user/build && user/build/user && user/build/linked' >"$work/log" 2>&1 || fail "$(cat "$work/log")"
echo "hosts were built by CMake and pkg-config"
