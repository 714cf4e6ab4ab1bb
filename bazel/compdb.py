"""Writes compile_commands.json for every C++ file of the workspace, from Bazel's own actions.

The argument is the bazel to ask. Build first: generated headers, and the sources of other
repositories, are there only then.
"""

import json
import os
import subprocess
import sys

# gcc's alone; clangd reports each as an error in every file.
UNKNOWN_TO_CLANG = {"-fno-canonical-system-headers", "-Wunused-but-set-parameter",
                    "-Wno-free-nonheap-object"}


def bazel(*arguments):
    run = subprocess.run([sys.argv[1], *arguments], text=True, capture_output=True)
    if run.returncode:
        sys.exit(run.stderr)
    return run.stdout


def main():
    workspace = bazel("info", "workspace").strip()
    directory = bazel("info", "execution_root").strip()
    # The runfiles of a test repeat no compilation; what we depend on does not need editing.
    actions = json.loads(bazel("aquery", "--output=jsonproto", "--include_artifacts=false",
                               'mnemonic("CppCompile", //...)'))["actions"]
    commands = {}
    for action in actions:
        arguments = [a for a in action["arguments"] if a not in UNKNOWN_TO_CLANG]
        source = arguments[arguments.index("-c") + 1]
        path = os.path.join(workspace, source)
        if not os.path.exists(path):
            path = os.path.join(directory, source)
        commands[path] = {"directory": directory, "file": path, "arguments": arguments}
    target = os.path.join(workspace, "compile_commands.json")
    with open(target, "w") as file:
        json.dump([commands[path] for path in sorted(commands)], file, indent=1)
    print(f"{target}: {len(commands)} files")


main()
