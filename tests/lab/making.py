# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Where things are made, and how: once, in the cache, keyed by what they are
made from."""
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"),
             "xen-drm-front")
# What is built; several checkouts at work at the same time have one each.
BUILD = CACHE / os.environ.get("LAB_BUILD", "build")

ARCHES = {
    "x86_64": {"deb": "amd64", "triplet": "x86_64-linux-gnu", "make": []},
    "aarch64": {"deb": "arm64", "triplet": "aarch64-linux-gnu",
                "make": ["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"]},
}


def progress(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def sh(*argv, **kw):
    """Run a program to its end; its output is shown only if it fails."""
    r = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, **kw)
    if r.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit "
                           f"{r.returncode}\n{r.stdout[-8000:]}")
    return r.stdout


def key_of(*parts):
    """Hash of strings and of files with their names."""
    h = hashlib.sha256()
    for p in parts:
        if isinstance(p, Path):
            h.update(p.name.encode() + p.read_bytes())
        elif isinstance(p, tuple):
            h.update(key_of(*p).encode())
        else:
            h.update(repr(p).encode())
    return h.hexdigest()[:16]


@contextlib.contextmanager
def locked(name):
    """Two runs must not make the same thing at the same time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"lock.{name}", "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def made(path, key, make):
    """Call make(temporary path) unless path was made from the same key."""
    stamp = path.with_name(path.name + ".key")
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.name):
        if path.exists() and stamp.exists() and stamp.read_text() == key:
            return path
        tmp = path.with_name(path.name + ".new")
        if tmp.is_dir():
            shutil.rmtree(tmp)
        start = time.monotonic()
        make(tmp)
        stamp.unlink(missing_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        tmp.rename(path)
        stamp.write_text(key)
        progress(f"made {path.name} in {time.monotonic() - start:.0f} s")
    return path
