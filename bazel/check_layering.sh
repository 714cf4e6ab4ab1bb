#!/bin/bash
# Proves by query that the layers depend only downward and that the core needs no optional library.
# A label that does not exist is a failure too.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failures=0

# What FROM, tests and their helpers aside, is built from: labels, one a line.
reached() {
  ./bazelw query --noshow_progress --noimplicit_deps --notool_deps \
    "deps(attr(testonly, 0, kind('cc_library|cc_binary|alias', $1)))" 2>"$errors"
}

check() { # check FROM REGEX_OF_WHAT_IT_MUST_NOT_REACH, after taking away REGEX_OF_WHAT_IT_MAY
  local from=$1 forbidden=$2 allowed=$3 labels found
  if ! labels=$(reached "$from") || [[ -z $labels ]]; then
    echo "FAIL $from: no such target"
    grep -m 3 ERROR "$errors"
    failures=1
  elif found=$(grep -Ei "$forbidden" <<<"$labels" | grep -Ev "$allowed"); then
    echo "FAIL $from reaches"
    sed 's/^/  /' <<<"$found" | head -n 20
    failures=1
  else
    echo "ok $from"
  fi
}

may_reach() { check "$1" '^//' "^//($2)"; }
must_not_reach() { check "$1" "$2" '^$'; }

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

may_reach //fasthttp/base/... 'fasthttp/base[:/]'
may_reach //fasthttp/http1/... 'fasthttp/(base|http1)[:/]'
may_reach //fasthttp/runtime/... 'fasthttp/(base|runtime)[:/]|bazel/system:boost_context$'
may_reach //fasthttp:parser 'fasthttp/(base|http1)[:/]|fasthttp:parser'
may_reach //expvar:var '(expvar|fasthttp/base)[:/]'
for target in //fasthttp:server //fasthttp:client //examples/hello //adaptor //expvar:server_var \
  //expvar:prometheus; do
  must_not_reach "$target" 'boringssl|brotli|zstd|[/_:]re2|system:(boost_beast|httplib)'
done
must_not_reach //expvar:handler 'boringssl|brotli|zstd'
must_not_reach //fasthttp:server '//expvar'
exit $failures
