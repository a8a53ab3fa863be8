#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The corpus of a target is one file with a line of hexadecimal digits for each
input, so that the tree need not have hundreds of files of some bytes.

    corpus.py unpack FILE DIRECTORY
    corpus.py pack DIRECTORY FILE"""
import sys
from pathlib import Path

HEAD = "# SPDX-License-Identifier: GPL-2.0 OR MIT\n"


def unpack(source, directory):
    lines = source.read_text(encoding="ascii").splitlines()
    for i, line in enumerate(line for line in lines if not line.startswith("#")):
        (directory / f"{i:04}").write_bytes(bytes.fromhex(line))


def pack(directory, target):
    inputs = {f.read_bytes() for f in directory.iterdir()}
    target.write_text(HEAD + "".join(
        data.hex() + "\n" for data in sorted(inputs, key=lambda d: (len(d), d))),
        encoding="ascii")


if __name__ == "__main__":
    {"unpack": unpack, "pack": pack}[sys.argv[1]](*map(Path, sys.argv[2:]))
