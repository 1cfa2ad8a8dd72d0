#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is installed works for a user: install_test.sh BUILD_FOLDER EXPORTS_TEST C_HOST_SOURCE
set -euo pipefail
build=$1 exports_test=$2 c_host=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" >/dev/null

"$exports_test" "$prefix"/lib/libagones_processor.so "$prefix"/include/agones/processor.h
"$prefix/bin/agones-processor-check" "$prefix/lib/libagones_processor.so" >/dev/null

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
cc $(pkg-config --cflags agones-processor) "$c_host" -o "$work/c-host" -ldl
[ -e "$(pkg-config --variable=plugin agones-processor)" ]

mkdir "$work/user"
cat >"$work/user/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(user CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(agones-processor 1.0 REQUIRED)
add_executable(user main.cpp)
target_link_libraries(user agones::processor_host)
target_compile_definitions(user PRIVATE PLUGIN="${AGONES_PROCESSOR_PLUGIN}")
CMAKE
cat >"$work/user/main.cpp" <<'CPP'
#include <agones/client.hpp>
#include <iostream>
int main() { std::cout << agones::Plugin::load(PLUGIN)->version() << '\n'; }
CPP
cmake -S "$work/user" -B "$work/user/build" "-DCMAKE_PREFIX_PATH=$prefix" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build "$work/user/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/user/build/user"
