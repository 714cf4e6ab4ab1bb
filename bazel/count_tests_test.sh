#!/bin/bash
# Feeds count_tests.py a record of each kind of outcome.
set -euo pipefail

counter=$PWD/bazel/count_tests.py
cd "$TEST_TMPDIR"
printf 'SKIPPED: no nginx here\n' >skipped.log
printf 'ran\nnot at the start SKIPPED: of a line\n' >ran.log

target() { echo "{\"id\":{\"targetConfigured\":{\"label\":\"$1\"}},\"configured\":{\"testSize\":\"SMALL\"}}"; }
summary() {
  echo "{\"id\":{\"testSummary\":{\"label\":\"$1\"}},\"testSummary\":{\"overallStatus\":\"$2\",\
\"passed\":[{\"uri\":\"file://$PWD/${3:-ran.log}\"}]}}"
}

expect() { # expect NAME EXIT_STATUS WANTED <events
  local got
  got=$(python3 "$counter" "$2")
  [[ $got == "$3" ]] && return
  echo "$1: got '$got', want '$3'"
  failures=1
}

failures=0
expect "passed, cached or flaky" 0 $'FLAKY //:b: passed, but not at the first attempt\n2 passed, 0 failed' \
  < <(target //:a && target //:b && summary //:a PASSED && summary //:b FLAKY)
expect "failed and timed out" 3 "1 passed, 2 failed" \
  < <(summary //:a PASSED && summary //:b FAILED && summary //:c TIMEOUT)
expect "configured but never run" 1 "1 passed, 1 failed" \
  < <(target //:a && target //:b && summary //:a PASSED)
expect "skipped" 0 $'SKIPPED //:b: no nginx here\n1 passed, 0 failed' \
  < <(summary //:a PASSED && summary //:b PASSED skipped.log)
expect "failed, though it says skipped" 3 "0 passed, 1 failed" < <(summary //:a FAILED skipped.log)
expect "no test configured" 1 "0 passed, 1 failed" < <(echo '{"id":{"started":{}}}')
expect "no tests asked for" 4 "0 passed, 0 failed" < <(echo '{"id":{"started":{}}}')
expect "Bazel failed after every test passed" 1 "1 passed, 1 failed" < <(summary //:a PASSED)
expect "record cut short" 8 "1 passed, 1 failed" < <(summary //:a PASSED && echo '{"id":{"te')
exit "$failures"
