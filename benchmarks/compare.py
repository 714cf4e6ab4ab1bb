#!/usr/bin/env python3
"""The 64 benchmark rows of fasthttp's documentation: Go's net/http, Go's fasthttp and ours.

    benchmarks/compare.py [--rounds=5] [--benchtime=1s] [--json=FILE] [--filter=REGEX]

On Debian 12. The Go side are the original's own benchmarks, from the packages golang-go and
golang-github-valyala-fasthttp-dev; ours do the same work under the same names (README.md beside
this file). Each row is a process of its own; in each round every row runs once on every side, the
sides in turn, and the figures are medians over the rounds. instr/op are user instructions counted
by valgrind. A row that is missing on any side makes the command fail.
"""

import argparse
import os
import re
import subprocess
import sys

import machine
import valgrind

SERVER = ([f"ServerGet{n}ReqPerConn" for n in ("1", "2", "10", "10K")] +
          [f"ServerGet{n}ReqPerConn10KClients" for n in ("1", "2", "10", "100")])
CLIENT = (["ClientDoFastServer"] + [f"ClientGetEndToEnd{n}TCP" for n in ("1", "10", "100")] +
          [f"ClientGetEndToEnd{n}Inmemory" for n in ("1", "10", "100", "1000")])
THREADS = (1, 4)
SIDES = ("net/http", "fasthttp (Go)", "fasthttp for C++")
PACKAGES = ("golang-go", "golang-github-valyala-fasthttp-dev", "valgrind")
LINE = re.compile(r"^Benchmark(\S+?)(?:-\d+)?\s+(\d+)\s+([0-9.]+) ns/op\s+(\d+) B/op\s+"
                  r"(\d+) allocs/op", re.MULTILINE)
# Operations of the two runs that are counted; multiples of the longest pipeline.
COUNTED = {"net/http": (5_000, 20_000), "fasthttp (Go)": (10_000, 40_000),
           "fasthttp for C++": (10_000, 60_000)}


class Programs:
    """The three sides, built and ready to run."""

    def __init__(self):
        machine.install(*PACKAGES)
        self.server, self.client = machine.build("//benchmarks/server", "//benchmarks/client")
        self.go = os.path.join(machine.CACHE, "go", "fasthttp.test")
        os.makedirs(os.path.dirname(self.go), exist_ok=True)
        machine.run(["go", "test", "-c", "-o", self.go, "github.com/valyala/fasthttp"],
                    env=machine.GO_ENVIRONMENT)

    def command(self, side, row, threads, operations, benchtime="1s"):
        """One run; `operations`: None for about a second's worth."""
        if side == SIDES[2]:
            program = self.server if row in SERVER else self.client
            if operations:
                return valgrind.rows_command(program, row, operations, threads)[0]
            return [program, f"--threads={threads}", f"--benchmark_filter=^{row}$"]
        name = ("NetHTTP" if side == SIDES[0] else "") + row
        length = f"{operations}x" if operations else benchtime
        return [self.go, "-test.run=^$", f"-test.bench=^Benchmark{name}$", "-test.benchmem",
                f"-test.benchtime={length}", f"-test.cpu={threads}"]


def measure(command):
    """One line of figures; None if the row did not run."""
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    found = LINE.findall(run.stdout)
    if run.returncode != 0 or len(found) != 1:
        print(f"{' '.join(command)}:\n{run.stdout}{run.stderr}", file=sys.stderr)
        return None
    _, n, ns, bytes_per_op, allocs = found[0]
    return int(n), float(ns), int(bytes_per_op), int(allocs)


def time_rows(programs, keys, options):
    figures = {key: [] for key in keys}
    for round_number in range(options.rounds):
        for threads, row in dict.fromkeys(key[:2] for key in keys):
            turn = round_number % len(SIDES)
            for side in SIDES[turn:] + SIDES[:turn]:
                figure = measure(programs.command(side, row, threads, None, options.benchtime))
                if figure is not None:
                    figures[threads, row, side].append(figure)
        print(f"round {round_number + 1} of {options.rounds} done", file=sys.stderr)
    return figures


def count_rows(programs, keys):
    def instructions(key):
        threads, row, side = key
        return valgrind.per_operation(
            lambda n: (programs.command(side, row, threads, n),), *COUNTED[side])

    return dict(zip(keys, valgrind.map_parallel(instructions, keys)))


def result(key, runs, instructions):
    threads, row, side = key
    return {
        "threads": threads, "row": row, "side": side,
        "operations": runs[-1][0],
        "ns_per_op": machine.median([run[1] for run in runs]),
        "ns_per_op_rounds": [run[1] for run in runs],
        "bytes_per_op": machine.median([run[2] for run in runs]),
        "allocs_per_op": machine.median([run[3] for run in runs]),
        "instructions_per_op": instructions,
    }


def print_line(entry):
    name = "Benchmark" + ("NetHTTP" if entry["side"] == SIDES[0] else "") + entry["row"]
    name += f"-{entry['threads']}" if entry["threads"] > 1 else ""
    ns = entry["ns_per_op"]
    instructions = entry["instructions_per_op"]
    print(f"{name:<52} {entry['operations']:>9} {ns:>9.{0 if ns >= 1000 else 1}f} ns/op "
          f"{entry['bytes_per_op']:>6.0f} B/op {entry['allocs_per_op']:>4.0f} allocs/op "
          f"{'-' if instructions is None else round(instructions):>8} instr/op")


def print_rows(results):
    """Block by block, in the order of the original's document."""
    for title, rows in (("server", SERVER), ("client", CLIENT)):
        for threads in THREADS:
            for side in SIDES:
                note = f": {threads} loops on {os.cpu_count()} cores" if side == SIDES[2] else ""
                block = [entry for entry in results if entry["row"] in rows and
                         entry["threads"] == threads and entry["side"] == side]
                if not block:
                    continue
                print(f"\n{side} {title}, GOMAXPROCS={threads}{note}")
                for entry in block:
                    print_line(entry)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--benchtime", default="1s", help="of a Go row, as go test takes it")
    parser.add_argument("--filter", default="", help="only rows that match, for a quick look")
    parser.add_argument("--json", help="write the results there")
    options = parser.parse_args()

    programs = Programs()
    facts = machine.describe(machine.command_line(), PACKAGES)
    keys = [(threads, row, side) for threads in THREADS for row in SERVER + CLIENT
            if re.search(options.filter, row) for side in SIDES]
    figures = time_rows(programs, keys, options)
    missing = [key for key in keys if len(figures[key]) != options.rounds]
    counted = count_rows(programs, [key for key in keys if key not in missing])
    results = [result(key, figures[key], counted[key]) for key in keys if key not in missing]
    print_rows(results)
    if options.json:
        machine.write_json(options.json,
                           {"machine": facts, "rounds": options.rounds, "rows": results})
    for threads, row, side in missing:
        print(f"MISSING {side}: {row}, {threads} threads", file=sys.stderr)
    return 1 if missing or not keys else 0


if __name__ == "__main__":
    sys.exit(main())
