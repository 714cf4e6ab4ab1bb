"""Fails when a code block of a page is not, word for word, a snippet of a compiled file.

Arguments: page, source. Snippets of the source stand between "// [snippet NAME]" and "// [end]".
"""

import re
import sys
import textwrap

page, source = (open(path, encoding="utf-8").read() for path in sys.argv[1:3])
found = re.findall(r"[ ]*// \[snippet \w+\]\n(.*?)[ ]*// \[end\]", source, re.S)
snippets = {textwrap.dedent(text).rstrip("\n") for text in found}
blocks = re.findall(r"```cpp\n(.*?)\n```", page, re.S)
for block in blocks:
    if block not in snippets:
        print("not compiled anywhere:\n" + block)
        sys.exit(1)
if not blocks or len(blocks) < len(snippets):
    print("%d blocks, %d snippets" % (len(blocks), len(snippets)))
    sys.exit(1)
