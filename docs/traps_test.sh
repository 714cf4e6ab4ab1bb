#!/bin/bash
# Every test that docs/design/traps.md names exists; and the check finds one that does not.
set -euo pipefail

# Prints the names of a page that are neither a test of the sources, nor a case of the matrix, nor a
# behaviour of a bad server.
missing() {
  local page=$1 name
  grep -oE 'case [A-Za-z0-9_]+' "$page" | sed 's/^case //' | sort -u | while read -r name; do
    [[ $name == x ]] || grep -qE "\`(request|response) [0-9]+_$name\`" docs/conformance.md ||
      echo "case $name"
  done
  grep -oE 'peer [a-z0-9_]+' "$page" | sed 's/^peer //' | sort -u | while read -r name; do
    [[ $name == x ]] || grep -qF "\"$name\"" testing/bad_server_behaviours.cc || echo "peer $name"
  done
  grep -oE '\b[A-Z][A-Za-z0-9]+\.[A-Z][A-Za-z0-9_]+\b' "$page" | sort -u | while read -r name; do
    [[ $name == Suite.Test ]] || grep -qxF "${name/./, }" "$TEST_TMPDIR/tests" || echo "$name"
  done
}

find -L fasthttp -name '*_test.cc' -print0 |
  xargs -0 grep -hoE '^TEST(_F|_P)?\([A-Za-z0-9]+, [A-Za-z0-9_]+\)' |
  sed -E 's/^TEST(_F|_P)?\((.*)\)$/\2/' | sort >"$TEST_TMPDIR/tests"
(($(wc -l <"$TEST_TMPDIR/tests") > 200)) || { echo "no tests found"; exit 1; }

found=$(missing docs/design/traps.md)
[[ -z $found ]] || { echo "named, but no test:"; echo "$found"; exit 1; }

# The check itself.
printf '| x | y | case two_spaces_1, case no_such_case, peer answers_twice, peer no_such_peer, Args.Parse, Args.NoSuchTest |\n' \
  >"$TEST_TMPDIR/page.md"
found=$(missing "$TEST_TMPDIR/page.md" | tr '\n' ';')
[[ $found == "case no_such_case;peer no_such_peer;Args.NoSuchTest;" ]] || { echo "found: $found"; exit 1; }
