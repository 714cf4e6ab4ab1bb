#!/bin/bash
# Every row of a suite does 100 operations; the suite itself checks what was served and sent.
#
# rows_test.sh PROGRAM
set -euo pipefail

rows=$("$1" --benchmark_list_tests)
output=$("$1" --requests=100 --warm_up=100)
echo "$output"
for row in $rows; do
  grep -qE "^Benchmark$row(-[0-9]+)? +100 +[0-9.]+ ns/op +[0-9]+ B/op +[0-9]+ allocs/op" \
    <<<"$output" || { echo "no line of $row"; exit 1; }
done
