"""User instructions of one operation, as the difference of two runs of different length.

Valgrind counts what the processor would execute, whoever else keeps it busy; the counts repeat
within one per cent. The kernel's instructions are not in them. cachegrind without its cache model is
used since it alone does not follow calls, and so takes programs that switch stacks (Go's and ours).
"""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

COMMAND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]


def available():
    return shutil.which("valgrind") is not None


def total(text):
    """The count in what valgrind printed."""
    found = re.search(r"I\s+refs:\s+([0-9,]+)", text)
    return int(found.group(1).replace(",", "")) if found else None


def count(command, environment=None):
    """Instructions of one run of a command that ends by itself."""
    run = subprocess.run(COMMAND + command, capture_output=True, text=True,
                         env={**os.environ, **(environment or {})})
    instructions = total(run.stderr)
    if run.returncode != 0 or instructions is None:
        sys.exit(f"{' '.join(command)} failed under valgrind:\n{run.stdout}{run.stderr}")
    return instructions


def per_operation(command_of, short, long):
    """`command_of(n)` gives the command, and its environment, that does n operations."""
    return (count(*command_of(long)) - count(*command_of(short))) / (long - short)


def rows_command(program, row, operations, threads=1):
    """A row of a program on benchmarks/rows.h, for per_operation. A difference needs no warm pools,
    only the same ones in both runs."""
    return [program, f"--threads={threads}", f"--benchmark_filter=^{re.escape(row)}$",
            f"--requests={operations}", "--warm_up=20000"], None


def bench_command(program, row, operations):
    """The same of a program on testing/bench_rows.h."""
    name = re.escape(row).replace(r"\/", "/")
    # What a row was named by Iterations() would end in.
    return ([program, f"--benchmark_filter=^{name}(/iterations:[0-9]+)?$"],
            {"BENCH_ITERATIONS": str(operations)})


def map_parallel(function, items):
    """Counts do not suffer from each other as times would: one worker for each CPU."""
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        return list(workers.map(function, items))
