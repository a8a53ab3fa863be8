# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Our driver and the kernel's own, one guest each, below the same backend."""
import argparse
import contextlib
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
for neighbour in "guest", "lab", "scenarios":
    sys.path.insert(0, str(HERE.parent / neighbour))
import build  # noqa: E402
import lab  # noqa: E402

OURS, THEIRS = "ours", "existing"
PAGES = build.CHECKOUT / "Documentation/gpu"


class Driver:
    """A driver, and the guest that has it; a new one when that is lost."""

    def __init__(self, xen, name, kernel):
        self.xen, self.name, self.kernel = xen, name, kernel
        self.guest, self.pictures = None, []

    def boot(self, **config):
        self.guest = self.xen.guest(kernel=self.kernel, stock=self.name == THEIRS, **config)
        self.guest.wait_connected()

    def lose(self):
        self.guest = None
        for guest in list(self.xen.guests):
            guest.destroy()

    def result(self, task):
        """(verdict, what tells so)"""
        raise NotImplementedError


def parser(prog, about):
    p = argparse.ArgumentParser(prog=prog, description=about)
    p.add_argument("--kernel", default="6.12", help="6.12 or new")
    p.add_argument("--only", action="append", default=[], metavar="DRIVER",
                   choices=[OURS, THEIRS], help="ours or existing; no table then")
    return p


@contextlib.contextmanager
def xen_with_backend():
    xen = lab.Xen("x86_64")
    try:
        xen.start_backend()
        yield xen
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)


def xen_version(xen):
    return "Xen " + xen.run("xl info xen_version").out.strip()


def results_of(drivers, tasks, text_of):
    """[(task, {name of a driver: its result})]"""
    start, results = time.monotonic(), [(task, {}) for task in tasks]
    for driver in drivers:
        for i, (task, verdicts) in enumerate(results, 1):
            verdict, why = verdicts[driver.name] = driver.result(task)
            print(f"{time.monotonic() - start:5.0f} s  {driver.name} {i}/{len(results)}  "
                  f"{text_of(task)}: {verdict}: {why:.100}", flush=True)
        driver.lose()
    return results


def page_head(title):
    line = "=" * len(title)
    return [".. SPDX-License-Identifier: GPL-2.0 OR MIT", "", line, title, line, ""]


def table_head(widths, *columns):
    return [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", "",
            f"   * - {columns[0]}", *(f"     - {column}" for column in columns[1:])]


def sum_up(results, good):
    """The exit status: 1 unless ours is good in all."""
    bad = sum(v[OURS][0] != good for _, v in results if OURS in v)
    print(f"{len(results) - bad} passed, {bad} failed, 0 skipped")
    return int(bad > 0)
