"""Makes a C++ source of the debug page: its text, and the policy that allows just its own script.

embed_page.py PAGE > SOURCE
"""

import base64
import hashlib
import re
import sys


def digest(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def literal(text):
    # Raw literals of a compiler may be bounded: in pieces.
    size = 8000
    return "\n".join('R"page(%s)page"' % text[i:i + size] for i in range(0, len(text), size))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        page = file.read()
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert ')page"' not in page
    policy = "; ".join([
        "default-src 'none'", "script-src " + digest(script), "style-src " + digest(style),
        "connect-src 'self'", "img-src data:", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'"
    ])
    print('#include "expvar/page_text.h"\n')
    print("namespace expvar::internal {\n")
    print("const std::string_view kPage =\n%s;\n" % literal(page))
    print("const std::string_view kPagePolicy = R\"page(%s)page\";\n" % policy)
    print("}  // namespace expvar::internal")


main()
