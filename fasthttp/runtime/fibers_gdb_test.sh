#!/bin/bash
# fibers_gdb.py lists the fibers of a stopped program and of a core dump, and shows their stacks.
#
# fibers_gdb_test.sh PROGRAM SCRIPT
set -uo pipefail
program=$PWD/$1 script=$2

if ! command -v gdb >/dev/null; then
  echo "SKIPPED: gdb is not installed"
  exit 0
fi

fail() {
  echo "FAILED: $*"
  exit 1
}

count() { grep -c "$1" <<<"$output"; }

check() { # check OUTPUT: what both must show
  output=$1
  echo "$output"
  (($(count '^[01]\.[0-9]* *blocked .*WaitForTheBackend') == 10)) || fail "not 10 blocked fibers"
  (($(count '^1\.[0-9]* *running  *thread')  == 1)) || fail "the running fiber is missing"
  grep -q '^#[0-9]* .*fasthttp::runtime::SleepFor' <<<"$output" || fail "no frame of the wait"
  grep -q '^#[0-9]* .*fasthttp::runtime::Loop::TakeTask' <<<"$output" || fail "no frame of the loop"
  grep -q '^#[0-9]* .*make_fcontext' <<<"$output" || fail "the stack does not end where it began"
  grep -q '^#[0-9]* .*StopHere' <<<"$output" || fail "no stack of the running fiber"
}

# The numbers of a fiber that waits and of the one that runs are taken from the list.
commands=(-ex "source $script" -ex "fasthttp fibers"
  -ex 'python gdb.execute("fasthttp bt " + [f for f in live_fibers() if f.state == "blocked"][0].name)'
  -ex 'python gdb.execute("fasthttp bt " + [f for f in live_fibers() if f.state == "running" and f.loop.index == 1][0].name)'
  -ex "fasthttp bt nonsense")

output=$(gdb -nx -batch -iex "set debuginfod enabled off" -iex "set auto-load off" \
  -ex run "${commands[@]}" "$program" 2>&1 </dev/null)
if grep -q "ptrace: Operation not permitted\|Couldn't get registers" <<<"$output"; then
  echo "SKIPPED: processes may not be traced here"
  exit 0
fi
check "$output"
grep -q "no such fiber runs or waits" <<<"$output" || fail "a wrong name is no error"

# The kernel's core: gdb's own cannot read past the guards of the stacks.
read -r pattern </proc/sys/kernel/core_pattern
if [[ $pattern == [/\|]* ]] || ! ulimit -c unlimited; then
  echo "passed, but for core dumps, which are not written here"
  exit 0
fi
directory=$(mktemp -d -p "${TEST_TMPDIR:-/tmp}")
(cd "$directory" && "$program" 2>/dev/null)
if [[ -z $(ls "$directory") ]]; then
  echo "passed, but for core dumps, which sanitizers prevent"
  exit 0
fi
check "$(gdb -nx -batch -iex "set auto-load off" -iex "set debuginfod enabled off" \
  "${commands[@]}" "$program" "$directory"/* 2>&1 </dev/null)"
rm -rf "$directory"
echo "passed"
