#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The public header alone, in every standard, by two compilers: header_test.sh INCLUDE_FOLDER
set -euo pipefail
flags=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$1")
source='#include <agones/processor.h>'
check() { # compiler language standard
  echo "$source" | "$1" -x "$2" "-std=$3" "${flags[@]}" - && echo "$1 $3: good"
}
for standard in c99 c11 c17; do
  check gcc c $standard
  check clang c $standard
done
for standard in c++11 c++17 c++20; do
  check g++ c++ $standard
  check clang++ c++ $standard
done
