#!/usr/bin/env python3
"""Checks that every fenced C++ block of the documentation stands in a compiled source file.

    snippets.py FILE.md... -- SOURCE...

Blocks are compared line by line, without indentation, empty lines and trailing space. A line that
reads "// ..." stands for any number of lines.
"""

import re
import sys


def normalized(lines):
    return [line.strip() for line in lines if line.strip()]


def blocks(text):
    """Yields (line number, lines) of each fenced C++ block."""
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        fence = re.match(r"\s*```(.*)$", lines[i])
        if not fence:
            i += 1
            continue
        start = i + 1
        end = start
        while end < len(lines) and not re.match(r"\s*```\s*$", lines[end]):
            end += 1
        if end == len(lines):
            yield start, None
        elif fence.group(1).strip() in ("cpp", "c++", "cc"):
            yield start, normalized(lines[start:end])
        i = end + 1


def find(part, source, begin):
    """The line behind the first occurrence of `part` from `begin` on; -1 if there is none."""
    for i in range(begin, len(source) - len(part) + 1):
        if source[i:i + len(part)] == part:
            return i + len(part)
    return -1


def stands_in(block, source):
    part, at = [], 0
    for line in block + ["// ..."]:
        if line != "// ...":
            part.append(line)
            continue
        at = find(part, source, at)
        if at < 0:
            return False
        part = []
    return True


def main(arguments):
    split = arguments.index("--")
    sources = []
    for path in arguments[split + 1:]:
        with open(path, encoding="utf-8") as file:
            sources.append(normalized(file.read().split("\n")))
    checked = failures = 0
    for path in arguments[:split]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for line, block in blocks(text):
            checked += 1
            if block is None:
                print(f"{path}:{line}: a fence that does not end")
            elif not block:
                print(f"{path}:{line}: an empty block")
            elif not any(stands_in(block, source) for source in sources):
                print(f"{path}:{line}: in no compiled file: {block[0]}")
            else:
                continue
            failures += 1
    print(f"{checked} blocks, {failures} not found")
    return 1 if failures or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
