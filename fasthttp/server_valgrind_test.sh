#!/bin/bash
# A server with handlers that suspend is clean under valgrind: no errors, no lost memory, and no
# talk of switched stacks.
#
# server_valgrind_test.sh PROGRAM
set -uo pipefail
program=$1

if ! command -v valgrind >/dev/null; then
  echo "SKIPPED: valgrind is not installed"
  exit 0
fi
if grep -q "__[at]san_init" "$program"; then
  echo "SKIPPED: sanitizers and valgrind exclude each other"
  exit 0
fi

output=$(valgrind --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 \
  "$program" 2>&1)
status=$?
echo "$output"
if ((status)) || grep -q "client switching stacks" <<<"$output"; then
  echo "FAILED: status $status"
  exit 1
fi
grep -q "ERROR SUMMARY: 0 errors" <<<"$output" || exit 1
echo "passed"
