#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The public headers alone, in every standard, by two compilers: header_test.sh INCLUDE_FOLDER
set -euo pipefail
flags=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$1")
check() { # compiler language standard
  local header
  for header in processor processor_swap processor_request processor_layout; do
    # C has static assertions since C11.
    [ "$header-$3" = processor_layout-c99 ] && continue
    echo "#include <agones/$header.h>" | "$1" -x "$2" "-std=$3" "${flags[@]}" -
  done
  echo "$1 $3: good"
}
for standard in c99 c11 c17; do
  check gcc c $standard
  check clang c $standard
done
for standard in c++11 c++17 c++20; do
  check g++ c++ $standard
  check clang++ c++ $standard
done
