"""Renames the top directory of a `git archive` tarball, so that its bytes are those git would write.

Debian repacks some upstream tarballs with nothing changed but that name. With it put back, the
upstream checksum in bazel/deps.bzl holds.
"""

import gzip
import subprocess
import sys


def text(field):
    return field.split(b"\0", 1)[0]


def split_path(path):
    """Returns the ustar header's (prefix, name) for a path, cut where git cuts it."""
    if len(path) <= 100:
        return b"", path
    cut = path.rfind(b"/", 0, min(156, len(path.rstrip(b"/"))))
    return path[:cut], path[cut + 1:]


def rename(data, old, new):
    out = bytearray()
    at = 0
    while data[at:at + 512].strip(b"\0"):
        header = bytearray(data[at:at + 512])
        size = int(text(header[124:136]) or b"0", 8)
        end = at + 512 + (size + 511) // 512 * 512
        if header[156:157] != b"g":  # 'g' is git's leading record, which names the commit.
            path = b"/".join(filter(None, (text(header[345:500]), text(header[:100]))))
            if not path.startswith(old):
                sys.exit(f"retar: {path!r} is not under {old!r}")
            prefix, name = split_path(new + path[len(old):])
            header[:100] = name.ljust(100, b"\0")
            header[345:500] = prefix.ljust(155, b"\0")
            header[148:156] = b" " * 8
            header[148:156] = b"%07o\0" % sum(header)
        out += header + data[at + 512:end]
        at = end
    out += bytes(1024)
    out += bytes(-len(out) % 10240)
    return out


source, old, new, target = sys.argv[1:]
with gzip.open(source) as file:
    data = file.read()
with open(target, "wb") as file:
    subprocess.run(["gzip", "-cn"], input=rename(data, old.encode(), new.encode()), stdout=file,
                   check=True)
