# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The debug kernels find what they are there for."""
import pytest

import build
from conftest import DEBUG_PLATFORMS
from lab import scan

pytestmark = pytest.mark.on(*DEBUG_PLATFORMS)

# What is done wrong, and a word that the kernel's report of it has on both
# architectures. Lock debugging ends with the first report of some others.
WRONGS = (("lock-inversion", "possible circular locking"),
          ("sleep-in-atomic", "sleeping function called"),
          ("wide-shift", "UBSAN: shift-out-of-bounds"),
          ("beyond-array", "UBSAN: array-index-out-of-bounds"),
          ("list-added-twice", "list_debug.c"),
          ("free-active-timer", "ODEBUG: free active"),
          ("too-many-puts", "refcount_t: "))
MEMORY = {"aarch64": (("beyond-object", "KASAN: slab-out-of-bounds"),
                      ("use-after-free", "KASAN: slab-use-after-free")),
          "x86_64": (("beyond-object", "BUG kmalloc-64"),
                     ("use-after-free", "Poison overwritten"))}


def provoke(guest, what):
    """The lines of the log, of those that no scenario may leave behind."""
    before = guest.log_size()
    r = guest.run(f"insmod /provoke.ko what={what}", check=False)
    assert "ancel" in r.err, r.err
    guest.run("sleep 1")
    return scan(guest.log(before))


def test_detectors(lab, kernel):
    g = lab.guest(kernel=kernel)
    g.put(build.provoke(lab.arch, g.version), "/provoke.ko")
    missed = []
    for what, word in WRONGS + MEMORY[lab.arch]:
        found = provoke(g, what)
        print(f"{what}: {found[:1]}")
        if not any(word in line for line in found):
            missed.append(f"{what}: '{word}' expected, {found} found")
    assert not provoke(g, "leak")
    leaks = g.leaks()
    if "unreferenced object" not in leaks or '"insmod"' not in leaks:
        missed.append(f"leak: an unreferenced object expected, '{leaks}' found")
    lab.drop(g)
    assert not missed, "\n".join(missed)
