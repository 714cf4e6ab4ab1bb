#!/usr/bin/env python3
"""Checks the conversion table of from-nethttp.md against the test that stands behind it.

    conversion.py PAGE TEST_SOURCE

Each row of the table is one of ROWS, in that order. Its second column is code, every piece of which
stands in the test that the third column names; or it says "not yet: WHAT", and names none.
"""

import re
import sys

ROWS = """
r.Body
r.URL.Path
r.URL
r.Method
r.Header
r.Header.Get()
r.Host
r.Form
r.PostForm
r.FormValue()
r.FormFile()
r.MultipartForm
r.RemoteAddr
r.RequestURI
r.TLS
r.Cookie()
r.Referer()
r.UserAgent()
w.Header()
w.Header().Set()
w.Header().Set("Content-Type")
w.Header().Set("Set-Cookie")
w.Write()
w.WriteHeader()
w.(http.Hijacker).Hijack()
http.Error()
http.FileServer()
http.ServeFile()
http.Redirect()
http.NotFound()
http.StripPrefix()
""".split()


def table(page):
    """The columns of each row."""
    rows = []
    for line in page.split("\n"):
        if line.startswith("| `"):
            rows.append([column.strip() for column in line.strip().strip("|").split(" | ")])
    return rows


def tests(source):
    """The lines of each test, by its name."""
    found = {}
    for match in re.finditer(r"^TEST\((\w+), (\w+)\) \{\n(.*?)^\}", source, re.M | re.S):
        lines = [line.strip() for line in match.group(3).split("\n")]
        found[match.group(1) + "." + match.group(2)] = lines
    return found


def check(row, all_tests):
    """What is wrong with a row; None if nothing is."""
    if len(row) < 2:
        return "has no second column"
    code, name = row[1], row[2].strip("`") if len(row) > 2 else ""
    if re.fullmatch(r"not yet: \w.*", code):
        return "names a test of what is not yet there" if name else None
    pieces = re.findall(r"`([^`]+)`", code)
    if not pieces or re.sub(r"`[^`]+`", "", code).strip():
        return "has no code"
    if name not in all_tests:
        return "names no test"
    for piece in pieces:
        if not any(piece in line for line in all_tests[name]):
            return "is not what its test runs: " + piece
    return None


def main(arguments):
    with open(arguments[0], encoding="utf-8") as file:
        rows = table(file.read())
    with open(arguments[1], encoding="utf-8") as file:
        all_tests = tests(file.read())
    failures = 0
    names = [row[0].strip("`") for row in rows]
    if names != ROWS:
        print("the rows are not those of the conversion table:", set(names) ^ set(ROWS))
        failures += 1
    for row in rows:
        wrong = check(row, all_tests)
        if wrong:
            print(f"{row[0]}: {wrong}")
            failures += 1
    print(f"{len(rows)} rows, {failures} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
