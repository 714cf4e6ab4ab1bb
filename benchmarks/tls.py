#!/usr/bin/env python3
"""What TLS costs a server: requests on kept connections, handshakes, and those who wait for them.

    benchmarks/tls.py [--rounds=3] [--seconds=1] [--json=FILE] [--no-instructions]

On Debian 12 with two CPUs, beside nginx: TLS 1.3 and TLS_AES_128_GCM_SHA256 on both, the same
certificates. As in tcp.py the server has one CPU and the generator the other, every measurement
starts the server anew, and the figures are medians over rounds in which the servers take turns.
Handshakes are one connection for each request; what counts is the CPU time of the server, since a
generator on one CPU is slower than a server at them. About six minutes.
"""

import argparse
import json
import os
import subprocess
import sys

import machine
import peers
import tcp
import valgrind

KEPT = {
    "plain": ["--conns=64"],
    "TLS": ["--conns=64", "--tls=rsa"],
    "TLS, POST echo, 1 KiB": ["--conns=64", "--tls=rsa", "--request=echo"],
    "plain, POST echo, 1 KiB": ["--conns=64", "--request=echo"],
}
HANDSHAKE = ["--conns=8", "--reconnect"]
HANDSHAKES = {
    "no TLS": HANDSHAKE,
    "RSA-2048, full": [*HANDSHAKE, "--tls=rsa"],
    "RSA-2048, resumed": [*HANDSHAKE, "--tls=rsa", "--resume"],
    "P-256, full": [*HANDSHAKE, "--tls=ecdsa"],
    "P-256, resumed": [*HANDSHAKE, "--tls=ecdsa", "--resume"],
}
SHAKES = 3_000  # Connections of a measurement; the CPU time is known to 10 ms.
WAITING = ["--conns=16"]
ONE_BY_ONE = ["--conns=1", "--reconnect"]
ROWS = ("PlainStreaming", "TLSStreaming")


def note(text):
    print(text, file=sys.stderr, flush=True)


def time_requests(all_peers, options):
    runs = {}
    for number in range(options.rounds):
        for scenario, load in (KEPT | HANDSHAKES).items():
            names = all_peers.names + ((peers.OFFLOADED,) if scenario.endswith("full") else ())
            length = f"--seconds={options.seconds}" if scenario in KEPT else f"--requests={SHAKES}"
            for name in tcp.turns(names, number):
                run = tcp.measure(all_peers, name, load, length)
                runs.setdefault((scenario, name), []).append(run)
        note(f"requests and handshakes: round {number + 1} of {options.rounds} done")
    return runs


def wait_beside_handshakes(all_peers, name, key, shaking, options):
    """Latencies of a steady load while one connection after the other shakes hands."""
    load = [*WAITING, f"--tls={key}"]
    with all_peers.serving(name, load, prefix=tcp.SERVER_CPU) as (port, _):
        all_peers.send(port, load, "--requests=2000", prefix=tcp.LOAD_CPU)
        more = [f"--rate={options.rate}", f"--seconds={options.seconds}"]
        if not shaking:
            return json.loads(all_peers.send(port, load, *more, prefix=tcp.LOAD_CPU))
        beside = [*tcp.LOAD_CPU, all_peers.tls_load, f"--port={port}", *ONE_BY_ONE,
                  f"--seconds={options.seconds + 0.5}"]
        with subprocess.Popen(beside, stdout=subprocess.PIPE, text=True) as shakes:
            figures = json.loads(all_peers.send(port, load, *more, prefix=tcp.LOAD_CPU))
            done = json.loads(shakes.communicate()[0])
        figures["handshakes_per_second"] = done["requests"] / done["seconds"]
        return figures


def time_waiting(all_peers, options):
    keys = [("rsa", name, False) for name in (peers.OURS, "nginx")]
    keys += [(key, name, True) for key in peers.KEYS
             for name in (peers.OURS, peers.OFFLOADED, "nginx")]
    runs = {}
    for number in range(options.rounds):
        for key, name, shaking in keys:
            run = wait_beside_handshakes(all_peers, name, key, shaking, options)
            runs.setdefault((key, name, shaking), []).append(run)
        note(f"latencies beside handshakes: round {number + 1} of {options.rounds} done")
    return runs


def count_instructions(all_peers):
    keys = [(scenario, name) for scenario in KEPT for name in all_peers.names]
    counted = dict(zip(keys, valgrind.map_parallel(
        lambda key: all_peers.instructions(key[1], KEPT[key[0]], *tcp.COUNTED), keys)))
    note("instructions of servers counted")
    return counted


def count_rows(all_peers, program):
    """Client and server in one process, over in-memory connections."""
    files = [f"--{what}={all_peers.folder.name}/rsa.{what}" for what in ("cert", "key")]

    def command(row, operations):
        line, environment = valgrind.rows_command(program, row, operations)
        return [*line, *files], environment

    counted = valgrind.map_parallel(
        lambda row: valgrind.per_operation(lambda n: command(row, n), 1_000, 11_000), ROWS)
    note("instructions of rows counted")
    return dict(zip(ROWS, counted))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1, help="of those without handshakes")
    parser.add_argument("--rate", type=int, default=5_000, help="of the latencies, requests/s")
    parser.add_argument("--no-instructions", action="store_true", help="times only")
    parser.add_argument("--json", help="write the results there")
    options = parser.parse_args()
    if os.cpu_count() < 2:
        sys.exit("two CPUs are needed: one for the server, one for the generator")

    rows_program, = machine.build("//benchmarks/tls")
    with peers.Peers(peers.TLS_NAMES) as all_peers:
        note("built")
        facts = machine.describe(machine.command_line(), peers.TLS_PACKAGES)
        counted = {} if options.no_instructions else count_instructions(all_peers)
        rows = {} if options.no_instructions else count_rows(all_peers, rows_program)
        runs = time_requests(all_peers, options)
        waiting = time_waiting(all_peers, options)
    results = {
        "machine": facts, "rounds": options.rounds, "rate": options.rate,
        "rows": [{"row": row, "instructions_per_op": n} for row, n in rows.items()],
        "requests": [
            {"scenario": scenario, "server": name, "instructions": counted.get((scenario, name)),
             **tcp.medians(of, ("requests_per_second", "user_us", "kernel_us"))}
            for (scenario, name), of in runs.items()],
        "waiting": [
            {"key": key if shaking else None, "server": name,
             **tcp.medians(of, ("p50_us", "p99_us", "max_us",
                                *(("handshakes_per_second",) if shaking else ())))}
            for (key, name, shaking), of in waiting.items()],
    }
    for row in results["rows"] + results["requests"] + results["waiting"]:
        print(row)
    if options.json:
        machine.write_json(options.json, results)


if __name__ == "__main__":
    main()
