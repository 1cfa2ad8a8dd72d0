#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The recordings notice a wrong rule: each of these changes one, in a copy, and must make `vectors` fail.
#   mutants_test.sh CXX "FLAGS" SOURCE_FOLDER "OBJECTS AND LIBRARIES OF vectors" VECTORS_FOLDER
set -euo pipefail
cxx=$1 flags=$2 source=$3 rest=$4 vectors=$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
survived=0

mutate() { # rule file sed-expression
  local rule=$1 file=$2
  sed "$3" "$source/$file" >"$work/mutant.cpp"
  if cmp -s "$source/$file" "$work/mutant.cpp"; then
    echo "$rule: the rule is not where this test looks for it, in $file"
    survived=1
    return
  fi
  # The mutant comes before the library that has the rule: the linker takes the first.
  # shellcheck disable=SC2086 # several words each
  "$cxx" $flags -w -O0 -o "$work/mutant" "$work/mutant.cpp" $rest
  local code=0
  "$work/mutant" "$vectors" >"$work/out" || code=$?
  if [ "$code" -ne 1 ]; then
    echo "$rule: survived"
    survived=1
  else
    echo "$rule: $(grep -c '^FAILED' "$work/out") scenarios notice it"
  fi
}

mutate "O9 who lacks the counter comes last" candidates.cpp 's/of_a.has_value() ? -1 : 1;/of_a.has_value() ? 1 : -1;/'
mutate "A3 a count is cut to its capacity" counts.cpp 's/std::min(count, counter->capacity)/count/'
mutate "V2 negative numbers are refused" validation.cpp 's/if (value < 0)/if (value < -1)/'
mutate "B4 a server leaves the list" allocator.cpp 's/^    candidates_.remove(\*found);$//'
exit "$survived"
