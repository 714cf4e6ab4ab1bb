#!/usr/bin/env python3
"""Makes the results readable: Markdown and SVG beside the JSON, and the figures in the documents.

    benchmarks/report.py [--results=benchmarks/results] [--readme=README.md]

Reads compare.json, tcp.json, idle.json and tls.json of the folder, whichever are there. What stands
between the lines `<!-- figures: begin -->` and `<!-- figures: end -->` it rewrites in the README, for
which the first three must be there, and in docs/guide/tls.md from the fourth.
"""

import argparse
import json
import os

import machine
import peers
import svg
from compare import CLIENT, SERVER, SIDES, THREADS

BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
README_ROWS = ("ServerGet1ReqPerConn", "ServerGet10KReqPerConn", "ServerGet1ReqPerConn10KClients",
               "ClientDoFastServer", "ClientGetEndToEnd1Inmemory")
README_SCENARIOS = ("keep-alive, 64", "pipelined 16 deep", "connection per request")


def number(value, unit=""):
    return "–" if value is None else f"{value:,.{0 if abs(value) >= 100 else 1}f}{unit}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def machine_lines(facts):
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (f"`{facts['command']}`\n\n{facts['system']}, Linux {facts['kernel']}, {facts['cpu']}, "
            f"{facts['cpus']} CPUs (load before the run: {facts['load_before']:.1f}); "
            f"{facts['compiler']}; {versions}; commit {facts['commit']}; {facts['date']}.\n")


def compare_index(results):
    return {(row["threads"], row["row"], row["side"]): row for row in results["rows"]}


def compare_report(results):
    index = compare_index(results)
    text = "# The original's benchmarks, side by side\n\n" + machine_lines(results["machine"])
    charts = {}
    for threads in THREADS:
        text += f"\n## {threads} thread{'s' if threads > 1 else ''}\n\n"
        if threads > results["machine"]["cpus"]:
            text += f"{threads} loops on {results['machine']['cpus']} cores.\n\n"
        rows, groups = [], []
        for row in SERVER + CLIENT:
            sides = [index.get((threads, row, side)) for side in SIDES]
            if None in sides:
                continue
            cells = [f"`{row}`"]
            for key in ("ns_per_op", "instructions_per_op", "bytes_per_op", "allocs_per_op"):
                cells.append(" / ".join(number(side[key]) if key.startswith(("ns", "in"))
                                        else f"{side[key]:.0f}" for side in sides))
            ours = sides[2]["ns_per_op"]
            cells.append(" / ".join(f"{side['ns_per_op'] / ours:.1f}" for side in sides[:2]))
            rows.append(cells)
            groups.append((row, [(side, entry["ns_per_op"]) for side, entry in zip(SIDES, sides)]))
        text += "Each cell: " + " / ".join(SIDES) + ".\n\n"
        text += table(("row", "ns/op", "instr/op", "B/op", "allocs/op", "times ours, ns"), rows)
        charts[f"compare-{threads}.svg"] = svg.bar_chart(
            f"The original's benchmarks, GOMAXPROCS={threads}", "ns/op, less is better", groups,
            SIDES[2])
    return text, charts


def tcp_report(results):
    text = "# Servers over loopback\n\n" + machine_lines(results["machine"])
    groups = []
    rows_of = {}
    for row in results["throughput"]:
        rows_of.setdefault(row["scenario"], []).append(row)
    for scenario, rows in rows_of.items():
        ours = next((row for row in rows if row["server"] == peers.OURS), rows[0])
        text += f"\n## {scenario}\n\n" + table(
            ("server", "requests/s", "ratio", "server CPU µs a request: user", "kernel",
             "user instructions a request", "kernel instructions"),
            [(row["server"], number(row["requests_per_second"]),
              f"{row['requests_per_second'] / ours['requests_per_second']:.2f}",
              f"{row['user_us']:.2f}", f"{row['kernel_us']:.2f}", number(row["instructions"]), "–")
             for row in rows])
        groups.append((scenario, [(row["server"], row["requests_per_second"]) for row in rows]))
    text += (f"\n## Latency at {results['rate']:,} requests a second, 64 connections\n\n" + table(
        ("server", "p50 µs", "p99 µs", "p99.9 µs", "max µs"),
        [(row["server"], *(number(row[key]) for key in ("p50_us", "p99_us", "p999_us", "max_us")))
         for row in results["latency"]]))
    latency = [(name, [(row["server"], row[key]) for row in results["latency"]])
               for name, key in (("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us"))]
    return text, {
        "tcp.svg": svg.bar_chart("Servers over loopback, one thread", "requests/s, more is better",
                                 groups, peers.OURS),
        "tcp-latency.svg": svg.bar_chart(
            f"Latency, open loop at {results['rate']:,} requests/s", "µs, less is better", latency,
            peers.OURS)}


def idle_report(results):
    text = "# Idle connections\n\n" + machine_lines(results["machine"]) + (
        f"\nBytes of VmRSS for each of {results['conns']:,} connections.\n\n")
    moments = ("idle", "after_burst", "idle_after_burst", "closed")
    text += table(("server", "idle", "right after a burst", "idle again", "all closed"),
                  [(row["server"], *(f"{row[moment]:,.0f}" for moment in moments))
                   for row in results["rows"]])
    million = results["in_memory"]
    text += (f"\nfasthttp for C++ with {million['conns']:,} connections without sockets "
             f"(`idle/in_memory.cc`): {million['idle']:,.0f} bytes each, "
             f"{million['idle_after_burst']:,.0f} after a burst, {million['closed']:,.0f} when all "
             f"are closed. All were accepted and answered in {million['accept_seconds']:.2f} s, the "
             f"burst of a request on each took {million['burst_seconds']:.2f} s, on one thread.\n")
    groups = [(name, [(row["server"], max(row[key], 0)) for row in results["rows"]])
              for name, key in (("idle", "idle"), ("idle after a burst", "idle_after_burst"))]
    return text, {"idle.svg": svg.bar_chart("Memory of an idle connection",
                                            "bytes, less is better", groups, peers.OURS)}


def tls_tables(results):
    """Those of the guide."""
    requests = {(row["scenario"], row["server"]): row for row in results["requests"]}
    kept = []
    for tls, plain in (("TLS", "plain"), ("TLS, POST echo, 1 KiB", "plain, POST echo, 1 KiB")):
        for name in peers.TLS_NAMES:
            with_it, without = requests[tls, name], requests[plain, name]
            kept.append((
                f"{plain.replace('plain, ', '').replace('plain', 'GET')}, {name}",
                *(f"{number(row['instructions'])} / {row['user_us'] + row['kernel_us']:.1f}"
                  for row in (without, with_it)),
                number(with_it["instructions"] and
                       with_it["instructions"] - without["instructions"])))
    rows = {row["row"]: row["instructions_per_op"] for row in results["rows"]}
    if rows:
        plain, tls = rows["PlainStreaming"], rows["TLSStreaming"]
        kept.append(("`TLSStreaming`, in memory, client and server", number(plain), number(tls),
                     number(tls - plain)))
    shakes = []
    scenarios = dict.fromkeys(row["scenario"] for row in results["requests"])
    for scenario in scenarios:
        if (scenario, "nginx") not in requests or scenario.startswith(("plain", "TLS")):
            continue
        sides = [requests.get((scenario, name)) for name in (peers.OURS, peers.OFFLOADED, "nginx")]
        shakes.append((scenario, *(
            "–" if side is None else f"{side['user_us'] + side['kernel_us']:.0f}"
            for side in sides)))
    waiting = []
    for row in results["waiting"]:
        load = {None: "none", "rsa": "RSA-2048", "ecdsa": "P-256"}[row["key"]]
        waiting.append((load, row["server"], number(row["p50_us"]), number(row["p99_us"]),
                        number(row.get("handshakes_per_second"))))
    return (
        "Requests on kept connections, plain and over TLS (AES-128-GCM): user instructions / µs of "
        "server CPU for each, and the instructions that TLS adds.\n\n" +
        table(("", "plain", "TLS", "more"), kept) +
        "\nA connection, its handshake and one request: µs of server CPU.\n\n" +
        table(("", peers.OURS, "keys offloaded", "nginx"), shakes) +
        f"\nLatency of {results['rate']:,} requests/s on 16 kept connections, in µs, while another "
        "client makes one connection after the other; the server, its helper threads included, has "
        "one CPU.\n\n" +
        table(("handshakes", "server", "p50", "p99", "handshakes/s"), waiting))


def tls_report(results):
    return "# TLS\n\n" + machine_lines(results["machine"]) + "\n" + tls_tables(results), {}


REPORTS = {"compare": compare_report, "tcp": tcp_report, "idle": idle_report, "tls": tls_report}
README_REPORTS = ("compare", "tcp", "idle")
GUIDE = os.path.join(machine.ROOT, "docs/guide/tls.md")


def sides_table(results, keys):
    """Rows of the comparison, given as (threads, row), with all sides in a line."""
    index = compare_index(results)
    rows = []
    for threads, row in keys:
        sides = [index[threads, row, side] for side in reversed(SIDES)]
        name = f"`{row}`" if threads == 1 else f"`{row}-{threads}`"
        rows.append([name] + [
            f"{number(side['ns_per_op'])} ns, {number(side['instructions_per_op'])} instr, "
            f"{side['allocs_per_op']:.0f} allocs" for side in sides])
    return table(["row"] + list(reversed(SIDES)), rows)


def readme_block(results):
    facts = results["compare"]["machine"]
    all_rows = [(threads, row) for threads in THREADS for row in SERVER + CLIENT]
    throughput = {(row["scenario"], row["server"]): row for row in results["tcp"]["throughput"]}
    servers = [name for name in peers.NAMES if (README_SCENARIOS[0], name) in throughput]
    idle = {row["server"]: row for row in results["idle"]["rows"]}
    million = results["idle"]["in_memory"]
    over_tcp = [[f"{scenario}: requests/s"] + [
        number(throughput[scenario, name]["requests_per_second"]) for name in servers]
        for scenario in README_SCENARIOS]
    over_tcp.append(["idle connection, bytes"] + [
        f"{idle[name]['idle']:,.0f}" if name in idle else "–" for name in servers])
    return (f"{facts['system']}, {facts['cpus']} CPUs ({facts['cpu']}), {facts['compiler']}, "
            "`--config=opt`; medians of interleaved rounds. Read the ratios.\n\n"
            "One operation of the original's benchmarks, one thread; instr are user instructions "
            "(`benchmarks/compare.py`):\n\n" +
            sides_table(results["compare"], [(1, row) for row in README_ROWS]) +
            "\n<details><summary>All rows of the original's document</summary>\n\n"
            f"`{facts['command']}`, {facts['date']}. With -{THREADS[-1]}: {THREADS[-1]} loops on "
            f"{facts['cpus']} cores.\n\n" + sides_table(results["compare"], all_rows) +
            "\n</details>\n"
            "\nOver loopback, one server thread, one CPU each for server and load "
            "(`benchmarks/tcp.py`, `benchmarks/idle.py`):\n\n" + table([""] + servers, over_tcp) +
            "\nThe raw loop parses nothing: it is the limit. Of "
            f"{million['conns']:,} idle connections without sockets each costs ours "
            f"{million['idle']:,.0f} bytes. All rows, plots, versions and the method: "
            "[benchmarks/README.md](benchmarks/README.md).\n")


def rewrite(path, block):
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + block + END + after)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default=os.path.join(machine.ROOT, "benchmarks/results"))
    parser.add_argument("--readme", default=os.path.join(machine.ROOT, "README.md"))
    options = parser.parse_args()
    results = {}
    for name, report in REPORTS.items():
        path = os.path.join(options.results, name)
        if not os.path.exists(path + ".json"):
            continue
        with open(path + ".json", encoding="utf-8") as file:
            results[name] = json.load(file)
        text, charts = report(results[name])
        with open(path + ".md", "w", encoding="utf-8") as file:
            file.write(text + "".join(f"\n![{chart}]({chart})\n" for chart in charts))
        for chart, drawing in charts.items():
            with open(os.path.join(options.results, chart), "w", encoding="utf-8") as file:
                file.write(drawing)
    if all(name in results for name in README_REPORTS):
        rewrite(options.readme, readme_block(results))
    if "tls" in results:
        facts = results["tls"]["machine"]
        rewrite(GUIDE, f"{facts['system']}, {facts['cpu']}, {facts['compiler']}; "
                       f"`{facts['command']}`, {facts['date']}.\n\n" + tls_tables(results["tls"]))
    print("wrote", ", ".join(results) or "nothing", "in", options.results)


if __name__ == "__main__":
    main()
