#!/usr/bin/env python3
"""Servers over loopback: what they do at most, at which latencies, and with how many instructions.

    benchmarks/tcp.py [--rounds=5] [--seconds=2] [--json=FILE] [--only=NAME,...] [--no-instructions]

On Debian 12 with two CPUs: the server on one, the generator (tcp/load.h) on the other. Every
measurement starts the server anew. In each round all servers take their turn in every scenario;
the figures are medians over the rounds.
"""

import argparse
import json
import os
import sys

import machine
import peers
import valgrind

SCENARIOS = {
    "keep-alive, 64": ["--conns=64"],
    "keep-alive, 512": ["--conns=512"],
    "pipelined 16 deep": ["--pipeline=16"],
    "browser GET, 697 B": ["--request=browser"],
    "POST echo, 1 KiB": ["--request=echo"],
    "connection per request": ["--reconnect"],
}
LATENCY = "keep-alive, 64"
COUNTED = (2_000, 12_000)
SERVER_CPU = ("taskset", "-c", "0")
LOAD_CPU = ("taskset", "-c", "1")


def measure(all_peers, name, load, *more):
    """One run against a fresh server, which has been warmed up."""
    with all_peers.serving(name, load, prefix=SERVER_CPU) as (port, process):
        all_peers.send(port, load, "--requests=2000", prefix=LOAD_CPU)
        before = peers.cpu_seconds(process.pid)
        figures = json.loads(all_peers.send(port, load, *more, prefix=LOAD_CPU))
        used = [after - b for after, b in zip(peers.cpu_seconds(process.pid), before)]
    figures["user_us"], figures["kernel_us"] = [1e6 * s / figures["requests"] for s in used]
    figures["requests_per_second"] = figures["requests"] / figures["seconds"]
    return figures


def medians(runs, names):
    return {name: machine.median([run[name] for run in runs]) for name in names}


def turns(items, round_number):
    at = round_number % len(items)
    return items[at:] + items[:at]


def time_servers(all_peers, options):
    throughput, latency = {}, {}
    for number in range(options.rounds):
        for scenario, load in SCENARIOS.items():
            for name in turns(all_peers.names, number):
                run = measure(all_peers, name, load, f"--seconds={options.seconds}")
                throughput.setdefault((scenario, name), []).append(run)
        for name in turns(all_peers.names, number):
            run = measure(all_peers, name, SCENARIOS[LATENCY], f"--seconds={options.seconds}",
                          f"--rate={options.rate}")
            latency.setdefault(name, []).append(run)
        print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    return throughput, latency


def count_instructions(all_peers):
    keys = [(scenario, name) for scenario in SCENARIOS for name in all_peers.names]
    return dict(zip(keys, valgrind.map_parallel(
        lambda key: all_peers.instructions(key[1], SCENARIOS[key[0]], *COUNTED), keys)))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--rate", type=int, default=20_000, help="of the latencies, requests/s")
    parser.add_argument("--only", default=",".join(peers.NAMES), help="servers")
    parser.add_argument("--no-instructions", action="store_true", help="times only")
    parser.add_argument("--json", help="write the results there")
    options = parser.parse_args()
    if os.cpu_count() < 2:
        sys.exit("two CPUs are needed: one for the server, one for the generator")

    with peers.Peers(tuple(options.only.split(","))) as all_peers:
        facts = machine.describe(machine.command_line(), peers.PACKAGES)
        throughput, latency = time_servers(all_peers, options)
        counted = {} if options.no_instructions else count_instructions(all_peers)
    results = {
        "machine": facts, "rounds": options.rounds, "rate": options.rate,
        "throughput": [
            {"scenario": scenario, "server": name, "instructions": counted.get((scenario, name)),
             **medians(runs, ("requests_per_second", "user_us", "kernel_us")),
             "requests_per_second_rounds": [run["requests_per_second"] for run in runs]}
            for (scenario, name), runs in throughput.items()],
        "latency": [{"server": name, **medians(runs, ("p50_us", "p99_us", "p999_us", "max_us"))}
                    for name, runs in latency.items()],
    }
    for row in results["throughput"] + results["latency"]:
        print(row)
    if options.json:
        machine.write_json(options.json, results)


if __name__ == "__main__":
    main()
