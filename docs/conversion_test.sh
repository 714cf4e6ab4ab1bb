#!/bin/bash
# Each row of from-nethttp.md is compiled and tested, and each program of adaptor.md was moved by the
# few lines that the page shows; and the checks find what is not so.
set -euo pipefail

checker=$PWD/docs/conversion.py
page=docs/from-nethttp.md
tests=docs/from_nethttp_test.cc
python3 "$checker" "$page" "$tests"

# Changed lines of a program that was moved, as the page shows them.
moved() { # moved PAGE EXAMPLE
  local lines block
  lines=$(diff -U0 "examples/$2/before.cc" "examples/$2/main.cc" | grep '^[+-]' | grep -v '^[+-][+-]' || true)
  (($(grep -c .. <<<"$lines") < 20)) || { echo "$2: 20 lines or more"; return 1; }
  block=$(awk -v name="<!-- examples/$2 -->" '
    $0 == name { here = 1; next }
    here && /^```$/ { exit }
    here && !/^```/ { print }' "$1")
  [[ -n $lines && $lines == "$block" ]] || { echo "$2: shows other lines than differ:"; diff <(echo "$lines") <(echo "$block"); return 1; }
}

for example in beast httplib text; do moved docs/guide/adaptor.md "$example"; done

# The checks themselves.
refuses() { # refuses SED_EXPRESSION
  sed "$1" "$page" >"$TEST_TMPDIR/page.md"
  cmp -s "$page" "$TEST_TMPDIR/page.md" && { echo "no change: $1"; exit 1; }
  if python3 "$checker" "$TEST_TMPDIR/page.md" "$tests" >/dev/null; then
    echo "accepted: $1"
    exit 1
  fi
}
refuses '/`r.Host`/d'
refuses 's/ctx.PostBody()/ctx.NoSuchBody()/'
refuses 's/FromNetHttp.Path`/FromNetHttp.NoSuchTest`/'
refuses 's/`FromNetHttp.Path`//'
refuses 's/^\(| `r.Method` |\).*/\1 soon | |/'
refuses 's/not yet: static files | |/not yet: static files | `FromNetHttp.Path` |/'
sed 's/^+int/+long/; s/^+  return/+  rethrow/' docs/guide/adaptor.md >"$TEST_TMPDIR/adaptor.md"
if moved "$TEST_TMPDIR/adaptor.md" beast >/dev/null; then echo "accepted other lines"; exit 1; fi
