#!/usr/bin/env python3
"""What an idle keep-alive connection costs a server in memory of its own.

    benchmarks/idle.py [--conns=19000] [--in-memory=1000000] [--settle=20] [--only=NAME,...]
                       [--json=FILE]

On Debian 12. VmRSS of the server is read four times: before; when each of the connections has had
one request answered and nothing has happened for some seconds; after a burst, in which all of them
sent a request at once, and again some seconds; and when all are closed. What the kernel holds for a
socket is not in it. Every process may have as many connections as descriptors (ulimit -n); so our
server is asked about a million of them without sockets, too: idle/in_memory.cc.
"""

import argparse
import subprocess
import sys
import time

import machine
import peers

SERVERS = tuple(name for name in peers.NAMES if name != peers.LIMIT)


def measure(all_peers, holder, name, options):
    """Bytes of VmRSS per connection, over what the server had before."""
    with all_peers.serving(name, []) as (port, process):
        all_peers.send(port, [], "--requests=2000")
        time.sleep(options.settle)
        figures = {"server": name, "before": peers.resident_bytes(process.pid)}

        def note(moment):
            more = peers.resident_bytes(process.pid) - figures["before"]
            figures[moment] = more / options.conns

        def until_idle():
            if client.stdout.readline() != "idle\n":
                sys.exit(f"{name} did not serve {options.conns} connections")

        with subprocess.Popen([holder, f"--port={port}", f"--conns={options.conns}"], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            until_idle()
            time.sleep(options.settle)
            note("idle")
            client.stdin.write("\n")
            client.stdin.flush()
            until_idle()
            note("after_burst")
            time.sleep(options.settle)
            note("idle_after_burst")
            client.stdin.close()
        time.sleep(options.settle)
        note("closed")
    return figures


def measure_in_memory(program, options):
    said = machine.run([program, f"--conns={options.in_memory}", f"--settle={options.settle}"])
    figures = {name: float(figure) for name, figure in map(str.split, said.splitlines())}
    return {"conns": options.in_memory, **figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conns", type=int, default=19_000)
    parser.add_argument("--in-memory", type=int, default=1_000_000,
                        help="connections without sockets, of our server")
    parser.add_argument("--settle", type=float, default=20, help="seconds of rest before a look")
    parser.add_argument("--only", default=",".join(SERVERS), help="servers")
    parser.add_argument("--json", help="write the results there")
    options = parser.parse_args()

    holder, in_memory = machine.build("//benchmarks/idle", "//benchmarks/idle:in_memory")
    with peers.Peers() as all_peers:
        facts = machine.describe(machine.command_line(), peers.PACKAGES)
        rows = []
        for name in options.only.split(","):
            rows.append(measure(all_peers, holder, name, options))
            print(rows[-1], flush=True)
        million = measure_in_memory(in_memory, options)
        print(million)
    if options.json:
        machine.write_json(options.json, {"machine": facts, "conns": options.conns, "rows": rows,
                                          "in_memory": million})


if __name__ == "__main__":
    main()
