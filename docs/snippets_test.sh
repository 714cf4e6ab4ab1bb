#!/bin/bash
# Every C++ block of the documentation is compiled somewhere; and the check finds one that is not.
set -euo pipefail

checker=docs/snippets.py
mapfile -t pages < <(find -L README.md docs -name '*.md' 2>/dev/null | sort)
mapfile -t sources < <(find -L docs examples -name "*.cc" | sort)
((${#pages[@]} && ${#sources[@]})) || { echo "no pages or no sources"; exit 1; }
python3 "$checker" "${pages[@]}" -- "${sources[@]}"

# The check itself.
cd "$TEST_TMPDIR"
printf 'int a;\n\nint b;\nint c;\nint d;\n' >source.cc
page() { printf "$1" >page.md; }
accepts() { python3 "$TEST_SRCDIR/$TEST_WORKSPACE/$checker" page.md -- source.cc >output; }
page '```cpp\n  int b;\nint c;\n```\n' && accepts || { echo "a block that is there"; exit 1; }
page '```cpp\nint a;\n// ...\nint d;\n```\n' && accepts || { echo "a block with a gap"; exit 1; }
refuses() { page "$1"; if accepts; then echo "accepted: $1"; exit 1; fi; }
refuses '```cpp\nint x;\n```\n'
refuses '```cpp\nint a;\nint c;\n```\n'
refuses '```cpp\nint d;\n// ...\nint a;\n```\n'
refuses '```cpp\n```\n'
refuses '```cpp\nint a;\n'
refuses 'no block\n'
