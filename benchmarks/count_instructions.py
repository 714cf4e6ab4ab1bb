#!/usr/bin/env python3
"""Instructions and allocations of each row of a benchmark, by the difference of two runs.

    ./bazelw build --config=opt //fasthttp:bytes_bench
    benchmarks/count_instructions.py bazel-bin/fasthttp/bytes_bench [--filter=REGEX]

Each row runs 5,000 and 15,000 times under valgrind's callgrind (BENCH_ITERATIONS, see
testing/bench_rows.h). What the runs differ by, divided by 10,000, is one operation with the loop
around it. Prints a table in Markdown. The rows are those that name no other unit of work.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

import valgrind

SHORT = 5000
LONG = 15000
ALLOCATORS = {"malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"}


def count(program, row, iterations):
    """Instructions and calls of an allocator in one run."""
    with tempfile.TemporaryDirectory() as folder:
        profile = os.path.join(folder, "profile")
        bench, settings = valgrind.bench_command(program, row, iterations)
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + profile] + bench
        run = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(run.stderr)
        if row not in run.stdout:
            sys.exit("no row named " + row)
        if "ERROR OCCURRED" in run.stdout:
            return None
        instructions = 0
        allocations = 0
        names = {}
        callee = None
        with open(profile, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(("totals:", "summary:")):
                    instructions = max(instructions, int(line.split()[1]))
                elif line.startswith(("fn=", "cfn=")):
                    match = re.match(r"c?fn=(\(\d+\))(?: (.*))?", line)
                    if match.group(2):
                        names[match.group(1)] = match.group(2).strip()
                    if line.startswith("cfn="):
                        callee = names[match.group(1)].split("@")[0].split("'")[0]
                elif line.startswith("calls=") and callee in ALLOCATORS:
                    allocations += int(line[6:].split()[0])
        return instructions, allocations


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--filter", default="")
    options = parser.parse_args()
    listed = subprocess.run(
        [options.program, "--benchmark_list_tests", "--benchmark_filter=" + (options.filter or ".")],
        capture_output=True, text=True, check=True, env=os.environ)
    print("| row | instr/op | allocs/op |\n|---|---|---|")
    for row in listed.stdout.split("\n"):
        if not row:
            continue
        short = count(options.program, row, SHORT)
        long = count(options.program, row, LONG)
        if short is None or long is None:
            continue
        instructions = (long[0] - short[0]) / (LONG - SHORT)
        allocations = (long[1] - short[1]) / (LONG - SHORT)
        print(f"| `{row}` | {instructions:,.0f} | {round(allocations, 2):g} |", flush=True)


if __name__ == "__main__":
    main()
