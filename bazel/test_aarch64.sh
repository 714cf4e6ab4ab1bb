#!/bin/bash
# The tests of fasthttp/http1 for AArch64, where the head parser is another one (head_neon.cc):
# compiled by a cross compiler, without Bazel, and run by an emulator. A minute or two.
#
#   apt-get install g++-12-aarch64-linux-gnu qemu-user
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

compiler=aarch64-linux-gnu-g++-12
for tool in "$compiler" qemu-aarch64; do
  type -P "$tool" >/dev/null || { echo "SKIPPED: no $tool here"; exit 0; }
done
# Bazel has it from a build of any test.
gtest=$(./bazelw info output_base 2>/dev/null)/external/com_google_googletest/googletest
[[ -d $gtest ]] || { echo "build a test with Bazel first: no GoogleTest at $gtest"; exit 1; }

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
compile() { # compile SOURCE FLAG...
  "$compiler" -std=c++20 -O2 -isystem "$gtest/include" -I. "${@:2}" \
    -c "$1" -o "$objects/${1//\//_}.o"
}

compile "$gtest/src/gtest-all.cc" -w -I"$gtest"
compile "$gtest/src/gtest_main.cc" -w
for source in fasthttp/http1/*.cc fasthttp/base/{check,errc}.cc testing/http_cases*.cc; do
  [[ $source == *_@(bench|fuzz).cc ]] || compile "$source" -Wall -Wextra -Werror
done
"$compiler" -static -o "$objects/http1_test" "$objects"/*.o 2>/dev/null
qemu-aarch64 "$objects/http1_test" --gtest_brief=1
