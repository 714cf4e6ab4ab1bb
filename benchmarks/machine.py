"""What every measurement needs of the machine: its description, the programs, medians.

Programs of other projects come from Debian's packages; bazel/debian/setup installs what is missing.
"""

import datetime
import json
import os
import platform
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                     "fasthttp-cpp")
GO_ENVIRONMENT = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="",
                      GOCACHE=os.path.join(CACHE, "go"))


def run(command, **options):
    """The command's standard output; ends the program with all it said if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nfailed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def install(*packages):
    run([os.path.join(ROOT, "bazel/debian/setup"), CACHE, *packages], stdin=subprocess.DEVNULL)


def build(*targets):
    """Builds targets as they are shipped and returns the paths of their programs."""
    run([os.path.join(ROOT, "bazelw"), "build", "--config=opt", *targets], cwd=ROOT)
    # The link bazel-bin follows whichever configuration is built next.
    folder = os.path.realpath(os.path.join(ROOT, "bazel-bin"))
    return [os.path.join(folder, target[2:].replace(":", "/")) if ":" in target
            else os.path.join(folder, target[2:], target.rsplit("/", 1)[1]) for target in targets]


def write_json(path, results):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def package_version(name):
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True,
                           text=True)
    return asked.stdout if asked.returncode == 0 else "not installed"


def describe(command, packages):
    """The facts that stand beside every result."""
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        model = re.search(r"^model name\s*:\s*(.*)$", cpuinfo.read(), re.MULTILINE)
    with open("/etc/os-release", encoding="utf-8") as release:
        system = re.search(r'^PRETTY_NAME="(.*)"$', release.read(), re.MULTILINE)
    changed = run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT).strip()
    commit = run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT).strip()
    return {
        "command": command,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit + (" with changes" if changed else ""),
        "cpu": model.group(1) if model else platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "system": system.group(1) if system else platform.system(),
        "load_before": os.getloadavg()[0],
        "compiler": run(["g++", "--version"]).splitlines()[0],
        "versions": {name: package_version(name) for name in packages},
    }


def command_line():
    """This program's own call, as one would type it at the top of the repository."""
    return " ".join([os.path.relpath(sys.argv[0], ROOT), *sys.argv[1:]])
