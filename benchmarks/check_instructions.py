#!/usr/bin/env python3
"""Holds the hot paths to their stored instruction counts.

    ./bazelw test --config=opt //benchmarks:instructions_test     compares (part of .ci/run)
    benchmarks/check_instructions.py --update                     stores what is counted now

Each line of expected_instructions.txt names a program, one of its rows, and user instructions of
one operation. More than 5 % above fails: it got dearer. More than 5 % below fails too: either work
is skipped, which a benchmark must not do, or it got cheaper and the new count is to be stored.
Counts hold for one compiler and instruction set; elsewhere they are not compared, and the reason is
printed.

A line with "<=" holds one row to a multiple of another one of its program, with any compiler.
"""

import argparse
import os
import re
import subprocess
import sys

import valgrind

TOLERANCE = 0.05
FEW = 10  # Instructions that may always come or go: 5 % of a short row is one or two.
COMPILER = "12"
FOLDER = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(FOLDER, "expected_instructions.txt")
LINE = re.compile(r"^(\S+) +(\S+) +([0-9]+)$")
RATIO = re.compile(r"^(\S+) +(\S+) +<= +([0-9.]+) +(\S+)$")


def obstacle():
    """Why counts can't be compared here; None if they can."""
    version = subprocess.run([os.environ.get("CC", "gcc"), "-dumpversion"], capture_output=True,
                             text=True)
    if version.stdout.strip().split(".")[0] != COMPILER:
        return f"the counts are those of g++ {COMPILER}"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        if " avx2 " not in cpuinfo.read():
            return "the counts are those of a processor with AVX2"
    return None


def instructions(entry):
    program, row = entry[:2]
    if program.endswith("_bench"):
        counted = valgrind.per_operation(
            lambda n: valgrind.bench_command(program, row, n), 5_000, 15_000)
    else:
        counted = valgrind.per_operation(
            lambda n: valgrind.rows_command(program, row, n), 10_000, 30_000)
    return round(counted)


def update(lines, entries):
    root = os.path.dirname(FOLDER)
    targets = sorted({"//{}:{}".format(*os.path.split(program)) for program, _, _ in entries})
    subprocess.run(["./bazelw", "build", "--config=opt", *targets], cwd=root, check=True)
    os.chdir(os.path.join(root, "bazel-bin"))
    counts = iter(valgrind.map_parallel(instructions, entries))
    with open(EXPECTED, "w", encoding="utf-8") as file:
        for line in lines:
            entry = LINE.match(line)
            file.write(f"{entry[1]:<30} {entry[2]:<42} {next(counts):>6}\n" if entry else line)


def check(entries):
    bad = 0
    for (program, row, expected), counted in zip(
            entries, valgrind.map_parallel(instructions, entries)):
        change = counted / expected - 1
        verdict = "ok"
        if abs(counted - expected) > max(TOLERANCE * expected, FEW):
            bad += 1
            verdict = ("FAILED: more than was stored" if change > 0 else
                       "FAILED: fewer than were stored; if no work is skipped: --update")
        print(f"{program:<30} {row:<42} {expected:>6} {counted:>6} {change:>+7.1%}  {verdict}")
    return bad


def check_ratios(ratios):
    rows = [(program, row) for program, *pair, _ in ratios for row in pair]
    counts = dict(zip(rows, valgrind.map_parallel(instructions, rows)))
    bad = 0
    for program, row, base, limit in ratios:
        counted = counts[program, row] / counts[program, base]
        bad += counted > limit
        verdict = "ok" if counted <= limit else "FAILED: more than the limit"
        print(f"{program:<30} {row:<42} {counts[program, row]:>6} = {counted:.2f} of {base}'s "
              f"{counts[program, base]}, at most {limit:.2f}  {verdict}")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="programs are in the working directory")
    what.add_argument("--skip", action="store_true", help="say only why nothing is compared")
    what.add_argument("--update", action="store_true")
    options = parser.parse_args()

    with open(EXPECTED, encoding="utf-8") as file:
        lines = file.readlines()
    entries = [(entry[1], entry[2], int(entry[3])) for entry in map(LINE.match, lines) if entry]
    ratios = [(ratio[1], ratio[2], ratio[4], float(ratio[3]))
              for ratio in map(RATIO.match, lines) if ratio]
    if options.update:
        return update(lines, entries)
    if options.skip or not valgrind.available():
        print("SKIPPED:", "counts are those of --config=opt" if options.skip else
              "valgrind is not installed")
        return 0
    bad = check_ratios(ratios) or not ratios
    reason = obstacle()
    if reason:
        print("SKIPPED: counts,", reason)
        return bad
    return check(entries) or bad or not entries


if __name__ == "__main__":
    sys.exit(main())
