"""Ends `bazelw test` with "N passed, N failed", from Bazel's own record of the build events.

Reads the record on standard input; the argument is Bazel's exit status. A target whose log has a
line "SKIPPED: reason" is listed with the reason and counted neither way.
"""

import json
import sys
import urllib.parse

NO_TESTS = 4


def read_events(lines):
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return  # An interrupted Bazel leaves half a line.


def skip_reason(summary):
    for output in summary.get("passed", []):
        url = urllib.parse.urlparse(output.get("uri", ""))
        if url.scheme != "file":
            continue
        with open(urllib.parse.unquote(url.path), errors="replace") as log:
            for line in log:
                if line.startswith("SKIPPED:"):
                    return line.split(":", 1)[1].strip()
    return None


def main():
    status = int(sys.argv[1])
    tests = set()
    summaries = {}
    for event in read_events(sys.stdin):
        ids = event.get("id", {})
        if "testSize" in event.get("configured", {}):
            tests.add(ids["targetConfigured"]["label"])
        if "testSummary" in event:
            summaries[ids["testSummary"]["label"]] = event["testSummary"]

    passed, failed = 0, 0
    for label in sorted(tests | set(summaries)):
        summary = summaries.get(label, {})
        verdict = summary.get("overallStatus")
        if verdict not in ("PASSED", "FLAKY"):
            failed += 1
            continue
        reason = skip_reason(summary)
        if reason is not None:
            print(f"SKIPPED {label}: {reason}")
            continue
        if verdict == "FLAKY":
            print(f"FLAKY {label}: passed, but not at the first attempt")
        passed += 1
    if status not in (0, NO_TESTS) and not failed:
        failed = 1  # Bazel failed before it came to a test.
    print(f"{passed} passed, {failed} failed")


main()
