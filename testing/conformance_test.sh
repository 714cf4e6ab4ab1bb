#!/bin/bash
# Fails when docs/conformance.md is not what the generator prints. Arguments: generator, page.
set -euo pipefail
"$1" >"$TEST_TMPDIR/conformance.md"
diff -u "$2" "$TEST_TMPDIR/conformance.md" || {
  echo 'stale: bazel run //testing:conformance_matrix >docs/conformance.md'
  exit 1
}
