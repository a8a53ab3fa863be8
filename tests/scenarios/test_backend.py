# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The test backend itself: the breaches that it tells of are there."""
import shutil

import pytest

import build
from lab import BACKEND


@pytest.mark.on("x86_64-6.12", "aarch64-new")
def test_breaches_are_seen(lab):
    """A frontend in dom0 that does one thing wrong in each of its cases."""
    shutil.copy(build.program("backend", lab.arch) / "wrong-frontend",
                lab.xen.share / "bin")
    lab.xen.ctl("set edid")
    r = lab.xen.run(f"/share/bin/wrong-frontend {BACKEND}", timeout=120, check=False)
    lab.xen.ctl("set reset")
    assert r.rc == 0, r.out + r.err
