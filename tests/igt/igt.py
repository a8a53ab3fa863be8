# SPDX-License-Identifier: GPL-2.0 OR MIT
"""IGT GPU Tools in a guest, against the expectations that are kept beside this
file.

The programs run in the order of the list, each once for all its subtests of a
tier. What must hold for each subtest is in expectations.py; besides, the kernels'
logs must be clean, the backend must have seen no breach of the protocol, and
nothing may be left there. A subtest that ends the guest gets a new one."""
import argparse
import os
import re
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab"))
import build  # noqa: E402 pylint: disable=wrong-import-position
import lab  # noqa: E402 pylint: disable=wrong-import-position
from expectations import Expectations  # noqa: E402 pylint: disable=wrong-import-position

OUT = build.CHECKOUT / "out/igt"
# By their number. Small, as the programs paint whole screens and emulation is
# slow; kms_concurrent wants 1024.
CONNECTORS = {1: ("A:1024x768",), 2: ("A:640x480", "B:512x384")}
KERNELS = "6.12", "new"
# Besides tier 0, what must be right before anything else is looked at.
GATE = ("kms_flip@basic-plain-flip", "kms_vblank@query-idle",
        "kms_atomic@test-only")
# Those of tier 0 that take half a minute each.
SLOW = "dumb_buffer@create-clear", "drm_read@short-buffer-wakeup"
TIER_OF_TWO = 3
# Wants a text console, which has a buffer that no client has.
TIER_OF_FBDEV = 4
# Seconds without a word, times LAB_SLOW, that make a subtest one that hangs; some
# work for half a minute by themselves.
SILENCE = 100
STATUS = {"SUCCESS": "Pass", "FAIL": "Fail", "SKIP": "Skip", "CRASH": "Crash",
          "TIMEOUT": "Timeout"}
EXIT = {0: "Pass", 77: "Skip", 98: "Fail"}
COLUMNS = ("pass", "skip", "known", "flaky", "failed")


class Report:
    """What has come out on one guest."""

    def __init__(self, name, expected):
        self.name, self.expected = name, expected
        self.lines, self.details = [], []
        self.count = {}
        self.number, self.total = 0, 0

    def add(self, tier, test, status, seconds=None, text=""):
        kind, why = self.expected.judge(test, status)
        row = self.count.setdefault(tier, dict.fromkeys(COLUMNS, 0))
        row[kind] += 1
        self.number += 1
        took = "" if seconds is None else f"{seconds:6.1f} s"
        print(f"{self.name}: {self.number:3}/{self.total} {test:<62} "
              f"{status:<8}{took}{'  ' + why if why else ''}", flush=True)
        self.lines.append(f"{test},{status}")
        if status != "Pass":
            self.details.append(f"=== {test}: {status}{', ' + why if why else ''}"
                                f"\n{text.strip()}\n")
            if kind == "failed":
                print("\n".join("    " + s for s in essence(text)), flush=True)

    def must(self, what, bad):
        """Besides subtests; only what is wrong is counted."""
        if not bad:
            return
        self.count.setdefault("-", dict.fromkeys(COLUMNS, 0))["failed"] += 1
        print(f"{self.name}: {what}:", *(f"    {line}" for line in bad),
              sep="\n", flush=True)
        self.details.append("\n".join([f"=== {what}", *bad, ""]))

    def save(self):
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / f"{self.name}.txt").write_text("\n".join(self.lines) + "\n")
        (OUT / f"{self.name}-details.txt").write_text("\n".join(self.details))

    def sum(self):
        return {c: sum(row[c] for row in self.count.values()) for c in COLUMNS}


def essence(text):
    """Lines that say why a subtest failed."""
    lines = [s for s in text.splitlines()
             if re.search(r"CRITICAL|Test requirement not met|Last errno|"
                          r"Received signal", s)]
    return lines[:6] or text.splitlines()[-6:]


def say(text):
    build.progress(text)


class Runner:
    """One configuration of a guest, booted as often as need be."""

    def __init__(self, xen, kernel, connectors, options, report):
        self.xen, self.report, self.stock = xen, report, options.stock
        self.config = {"kernel": kernel, "vdispl": (CONNECTORS[connectors],),
                       "memory": 1024, "vcpus": 2, "disk": "/dev/vdb",
                       "cmdline": "lab.desktop", "stock": options.stock}
        self.guest, self.mark = None, 0
        self.dom0_mark = 0

    def boot(self):
        if self.guest:
            self.save_log()
            self.guest.destroy()
        if not self.xen.backend or self.xen.backend.rc is not None:
            self.xen.start_backend()
        self.xen.ctl("pace 60")
        self.guest = self.xen.guest(**self.config)
        self.guest.wait_connected()
        self.mark = 0
        say(f"{self.report.name}: guest {self.guest.name} up in "
            f"{self.guest.boot_seconds:.0f} s")

    def save_log(self):
        OUT.mkdir(parents=True, exist_ok=True)
        with open(OUT / f"{self.report.name}-kernel.log", "a",
                  encoding="utf-8") as f:
            f.write(self.guest.log())

    def run(self, tests):
        (OUT / f"{self.report.name}-kernel.log").unlink(missing_ok=True)
        self.report.total = len(tests)
        self.boot()
        for tier, program, names in groups(tests):
            if tier == TIER_OF_FBDEV and not self.config.get("console"):
                self.check_backend()
                self.config["console"] = True
                self.boot()
            while names:
                names = self.run_program(tier, program, names)
                if self.guest.channel.dead:
                    self.report.must(f"{program}: the guest has died",
                                     [self.guest.channel.dead])
                    self.boot()
            self.check(program)
            self.report.save()
        self.check_backend()
        self.save_log()
        self.guest.destroy()

    def watch(self, p, look):
        """Wait for a program's end, and look at what it says meanwhile. Returns how
        it ended."""
        silent = SILENCE * lab.SLOW
        end, seen = time.monotonic() + silent, 0
        while p.rc is None and time.monotonic() < end:
            if self.xen.channel.dead:
                raise RuntimeError(self.xen.channel.dead)
            if p.channel.dead:
                break
            with p.changed:
                p.changed.wait(0.5)
                size = len(p.raw)
            if size != seen:
                end, seen = time.monotonic() + silent, size
                look()
        # A result and the end may have come between two looks.
        look()
        if p.rc is None and not p.channel.dead:
            self.run_over(p)
            return "Timeout"
        return "Crash" if p.channel.dead or p.rc not in EXIT else EXIT[p.rc]

    def run_program(self, tier, program, names):
        """Returns what could not be run yet, since one hung or crashed."""
        if names == [""]:
            command = program
        else:
            command = f"{program} --run-subtest {','.join(names)}"
        p = self.guest.popen(
            "exec chroot /mnt env IGT_FORCE_DRIVER=xendrm-du HOME=/tmp "
            f"/{build.IGT_BIN}{command} 2>&1")
        reader = Reader(names)
        status = self.watch(p, lambda: self.tell(tier, program, reader.take(p.out)))
        text = p.out[reader.at:]
        if names == [""]:
            self.report.add(tier, program, status, reader.seconds(), p.out)
            return []
        left = [n for n in names if n not in reader.done]
        # One was at work when the program ended, else the program refuses.
        if reader.current in left:
            self.tell(tier, program,
                      [(reader.current, "Crash" if status != "Timeout" else
                        status, reader.seconds(), text)])
            left.remove(reader.current)
            return left
        self.tell(tier, program, [
            (n, "Crash" if status == "Pass" else status, 0, p.out)
            for n in left])
        return []

    def run_over(self, p):
        """End what hangs, and show where it does."""
        self.guest.run("dmesg -n 1; echo w >/proc/sysrq-trigger", check=False)
        p.kill(9)
        try:
            p.wait(20)
        except TimeoutError:
            self.guest.channel.lose("a client that hangs could not be killed")

    def tell(self, tier, program, results):
        for name, status, seconds, text in results:
            self.report.add(tier, f"{program}@{name}", status, seconds, text)

    def check(self, program):
        """What must hold after each program."""
        if self.stock:
            return
        self.guest.flush_log()
        bad = lab.scan(self.guest.log_of_driver(self.mark))
        self.mark = self.guest.log_size()
        locks = self.guest.run("cat /proc/lockdep_stats", check=False).out
        if re.search(r"debug_locks:\s+0", locks):
            bad.append("lockdep has been switched off")
        stats = self.xen.stats()
        if stats["breaches"]:
            bad += [f"backend: {b}" for b in stats["breach_log"]]
            self.xen.ctl("reset-stats")
        self.report.must(f"{program}: reports of the kernel or the backend", bad)

    def check_backend(self):
        if self.stock or self.config.get("console"):
            return
        end = time.monotonic() + 10 * lab.SLOW
        while True:
            left = [f"{n} {what}" for d in self.xen.stats()["devices"]
                    for what, n in d.items()
                    if what in ("dbufs", "fbs", "mapped_pages") and n]
            if not left or time.monotonic() > end:
                break
            time.sleep(0.5)
        self.report.must("what no client has any more is at the backend", left)


class Reader:
    """Results in what a program says."""
    LINE = re.compile(r"^(?:Starting subtest: (\S+)|"
                      r"Subtest (\S+): (\w+)(?: \(([\d.]+)s\))?.*)\n", re.M)

    def __init__(self, names):
        self.names, self.at, self.pos = names, 0, 0
        self.current, self.done = None, set()
        self.since = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.since

    def take(self, text):
        results = []
        for m in self.LINE.finditer(text, self.pos):
            self.pos = m.end()
            if m[1]:
                self.current, self.since = m[1], time.monotonic()
                continue
            said = text[self.at:m.end()]
            self.at = m.end()
            if m[2] in self.names and m[2] not in self.done:
                self.done.add(m[2])
                results.append((m[2], STATUS.get(m[3], "Crash"),
                                float(m[4] or 0), said))
            self.current = None
        return results


def groups(tests):
    """[(tier, program, [subtests])], neighbours together; "" is a program that
    has none."""
    result = []
    for tier, name in tests:
        program, _, subtest = name.partition("@")
        if not result or result[-1][:2] != (tier, program):
            result.append((tier, program, []))
        result[-1][2].append(subtest)
    return result


def chosen(options, connectors):
    tests = []
    for tier, name in build.igt_list():
        if tier == TIER_OF_TWO and connectors < 2:
            continue
        core = tier == 0 and name not in SLOW or name in GATE
        if not (options.long or core):
            continue
        if options.tier and tier not in options.tier:
            continue
        if options.k and not re.search(options.k, name):
            continue
        tests.append((tier, name))
    return tests


def table(reports):
    print(f"\n{'guest':<16}{'tier':>5}" + "".join(f"{c:>8}" for c in COLUMNS))
    for r in reports:
        for tier, row in sorted(r.count.items(), key=lambda t: str(t[0])):
            print(f"{r.name:<16}{tier:>5}" +
                  "".join(f"{row[c]:>8}" for c in COLUMNS))
    print("known: fails as xen-front-fails.txt says; flaky: failed this time, "
          "which xen-front-flakes.txt allows.\nBoth are counted as skipped.")


def arguments():
    env = os.environ
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("-k", metavar="REGEX", help="only these subtests")
    p.add_argument("--tier", type=int, action="append", help="only these")
    p.add_argument("--kernel", action="append", help="6.12, new or debug")
    p.add_argument("--connectors", type=int, action="append", choices=(1, 2))
    p.add_argument("--long", action="store_true", default=env.get("LONG") == "1",
                   help="the whole list on both kernels, not the short form")
    p.add_argument("--stock", action="store_true",
                   default=env.get("STOCK") == "1",
                   help="the kernel's own driver; nothing is expected of it")
    return p.parse_args()


def main():
    options = arguments()
    if options.k or options.tier or options.stock:
        options.long = True
    kernels = options.kernel or (KERNELS if options.long else KERNELS[1:])
    heads = options.connectors or ((1, 2) if options.long else (2,))
    # A clock that stands while the machine is busy with something else: half of the
    # subtests are about time, but few of the core, which is twice as fast without.
    kind = lab.CountingXen if options.long else lab.Xen
    xen = kind("x86_64", disks=[build.igt_disk()])
    reports = []
    try:
        for kernel in kernels:
            for n in heads:
                tests = chosen(options, n)
                if not tests:
                    continue
                name = f"{'stock-' if options.stock else ''}{kernel}-{n}"
                report = Report(name, Expectations(
                    name, everything=options.stock))
                reports.append(report)
                try:
                    Runner(xen, kernel, n, options, report).run(tests)
                finally:
                    report.save()
        dom0 = lab.scan(xen.serial.read_text(errors="replace"))
        if reports and dom0:
            reports[-1].must("dom0's kernel", dom0)
            reports[-1].save()
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)
    table(reports)
    n = {c: sum(r.sum()[c] for r in reports) for c in COLUMNS}
    print(f"{n['pass']} passed, {n['failed']} failed, "
          f"{n['skip'] + n['known'] + n['flaky']} skipped")
    return 1 if n["failed"] or not n["pass"] else 0


if __name__ == "__main__":
    sys.exit(main())
