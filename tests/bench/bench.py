# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Our driver, the kernel's own, and a bare module, in turns, in one boot of a
guest; README.md tells what the figures mean."""
import argparse
import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab"))
import build  # noqa: E402
import lab  # noqa: E402
import table as t  # noqa: E402
from hypercalls import Hypercalls  # noqa: E402
from making import ARCHES, BUILD, key_of, made, sh  # noqa: E402
from plot import plot, svg  # noqa: E402
from scale import Scale, pages  # noqa: E402

DRIVERS = {t.OURS: "insmod /drm_xen_front.ko",
           t.THEIRS: "modprobe drm_xen_front", t.BARE: "insmod /bare_displ.ko"}
# A module that is bound to a device cannot be unloaded.
UNLOAD = """for b in /sys/bus/xen/drivers/*/vdispl-*; do
    [ ! -e $b ] || echo ${b##*/} >${b%/*}/unbind; done
    for m in drm_xen_front bare_displ; do
    [ ! -d /sys/module/$m ] || rmmod $m; done"""
# The DRM device is the bus device's child, or that one's.
CARD = ("/dev/dri/$(basename $(ls -d /sys/bus/xen/devices/vdispl-{0}/drm/card* "
        "/sys/bus/xen/devices/vdispl-{0}/*/drm/card* 2>/dev/null | head -n 1))")
LOG = "the kernel's log"
MODES = {"system": ("system memory", {"kind": "pv"}),
         "backend": ("allocated by the backend", {"kind": "pvh", "be_alloc": 1})}
# The flips' display, and one so small that emulation can hold 60 Hz.
FAST, PACED = 0, 1
VDISPL = (("fast:1024x768",), ("paced:640x480",))
RUNS_KEPT = 100
DOC = build.CHECKOUT / "Documentation/gpu"


def modules(version):
    """The bare module, and the one that tells what the guest has cost."""
    files = [(f.name, f) for f in sorted((HERE / "bare").iterdir())]
    return made(BUILD / f"bare-{version}", key_of(version, *files),
                lambda out: build.kbuild("x86_64", version, out, files))


def dom0_program():
    src = HERE / "dom0"

    def make(out):
        out.mkdir(parents=True)
        sh("make", "-C", src, f"O={out}",
           f"CC={ARCHES['x86_64']['triplet']}-gcc")
    return made(BUILD / "bench-dom0", key_of(*sorted(src.iterdir())),
                make) / "account"


class Bench:
    """One guest, and what is measured in it."""

    def __init__(self, mode, args, xen):
        self.mode, self.args, self.xen = mode, args, xen
        self.table = t.rows(mode, args.count, args.frames)
        self.problems, self.hypercalls = {}, {}
        self.guest = xen.guest(kernel=args.kernel, vdispl=VDISPL, memory=2048,
                               vcpus=1, extra="max_grant_frames=128",
                               **MODES[mode][1])
        self.guest.run(UNLOAD)
        built = modules(self.guest.version)
        for name in ("bench_meter.ko", "bare_displ.ko"):
            self.guest.put(built / name, f"/{name}")
        self.guest.run("insmod /bench_meter.ko")

    def account(self):
        """ns that dom0 and the guest have run so far."""
        pairs = (line.split("=") for line in
                 self.xen.run("/share/bin/account").out.split())
        ran = {int(dom): int(ns) for dom, ns in pairs}
        return ran[0] + ran[self.guest.domid]

    def command(self, driver, command, dev):
        """What a driver's command prints, as {key: value}; what it printed
        before it failed counts, too."""
        if driver == t.BARE:
            run = f"/sys/kernel/debug/vdispl-{dev}/run"
            line = f"echo {command} >{run} && cat {run}"
        else:
            line = f"kmsbench --card {CARD.format(dev)} {command}"
        r = self.guest.run(line, timeout=300, check=False)
        if r.rc:
            self.problems.setdefault((driver, command), r.err.strip())
        pairs = (line.split("=") for line in r.out.splitlines() if "=" in line)
        return {key: float(value) for key, value in pairs}

    def flips(self, driver, command, dev):
        """Once short, once long: the difference is free of what comes before
        and after. Also tells what all domains have run for a flip."""
        words = command.split()
        ran = []
        for times in (1, 3):
            words[1] = str(self.args.frames * times)
            before = self.account()
            figures = self.command(driver, " ".join(words), dev)
            ran.append(self.account() - before)
        figures["flip_all"] = (ran[1] - ran[0]) / (2 * self.args.frames)
        return figures

    def measure(self, driver, row):
        """{key: value} of a row's command."""
        self.xen.ctl(f"pace {row.pace}")
        dev = FAST if row.pace == "immediate" else PACED
        take = self.flips if row.account else self.command
        return take(driver, row.commands[driver], dev)

    def load(self, driver):
        self.guest.run(DRIVERS[driver])
        for dev in (FAST, PACED):
            self.guest.wait_connected(dev)

    def round(self, driver):
        start, figures = self.guest.log_size(), {}
        self.load(driver)
        for row in self.table:
            what = (row.pace, row.commands[driver])
            if what[1] and what not in figures:
                figures[what] = self.measure(driver, row)
            row.take(driver, figures.get(what, {}))
        self.guest.run(UNLOAD)
        for line in lab.scan(self.guest.log(start)):
            self.problems.setdefault((driver, LOG), line)

    def count_hypercalls(self):
        """Of one flip; tracing costs, so it has a round of its own."""
        counter = Hypercalls(self.xen, self.guest.domid)
        self.xen.ctl("pace immediate")
        for driver in DRIVERS:
            self.load(driver)
            command = t.flips("{}")
            self.hypercalls[driver] = counter.difference(
                lambda n, d=driver, c=command: self.command(d, c.format(n), FAST),
                self.args.frames)
            self.guest.run(UNLOAD)

    def run(self):
        start = time.monotonic()
        for i in range(self.args.rounds):
            for driver in DRIVERS:
                self.round(driver)
            build.progress(f"{self.mode}: round {i + 1} of {self.args.rounds}, "
                           f"{time.monotonic() - start:.0f} s")
        if self.args.hypercalls:
            self.count_hypercalls()
        self.guest.destroy()

    def row_failures(self, row):
        if not self.args.short:
            return row.failures()
        reached = t.REACHED.get((self.mode, row.name), (None, None))
        return row.failures(reached, t.SHORT_NOISE)

    def failures(self):
        found = [f"{self.mode}, {row.name}: {why}" for row in self.table
                 for why in self.row_failures(row)]
        if (t.OURS, LOG) in self.problems:
            found.append(f"{self.mode}: {self.problems[t.OURS, LOG]}")
        return found

    def report(self):
        clock = ("real time" if self.args.wall
                 else "executed instructions, 4 ns each")
        lines = [f"Buffers: {MODES[self.mode][0]}. Guest: Linux "
                 f"{self.guest.version}, {MODES[self.mode][1]['kind'].upper()}.",
                 f"Medians of {self.args.rounds} rounds; time is {clock}; load "
                 f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs.", "",
                 t.text(t.HEAD, t.lines(self.table)), "",
                 t.text(t.COUNT_HEAD, t.counted(self.table)), ""]
        if self.hypercalls:
            lines += ["Hypercalls of the guest for a flip:"]
            lines += [f"{driver}: " + ", ".join(
                f"{name} {count:.2f}" for name, count in found.items())
                for driver, found in self.hypercalls.items()] + [""]
        lines += [f"{driver}, {command}: {why}"
                  for (driver, command), why in self.problems.items()]
        return "\n".join(lines) + "\n"

    def as_json(self):
        return {"mode": self.mode, "kernel": self.guest.version,
                "rounds": self.args.rounds, "wall": self.args.wall,
                "hypercalls": self.hypercalls,
                "rows": [row.as_json() for row in self.table]}


def keep(benches, out):
    """The tables of all runs so far, the newest one last."""
    runs = []
    with contextlib.suppress(FileNotFoundError):
        runs = json.loads(out.read_text())
    runs.append({"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                 "tables": [b.as_json() for b in benches]})
    out.write_text(json.dumps(runs[-RUNS_KEPT:], indent=1) + "\n")


def write_doc(benches, scale):
    """The tables and the plot of xen-front-speed.rst."""
    lines = [".. SPDX-License-Identifier: GPL-2.0 OR MIT", "",
             ".. Written by tests/bench/run --doc.", ""]
    for b in benches:
        mode, kw = MODES[b.mode]
        lines += [f"Buffers: {mode}, Linux {b.guest.version}, "
                  f"{kw['kind'].upper()}, medians of {b.args.rounds} rounds:", "",
                  t.rst(t.HEAD, t.lines(b.table)), "",
                  "Beside computing, for each of them:", "",
                  t.rst(t.COUNT_HEAD, t.counted(b.table)), ""]
        if b.hypercalls:
            names = sorted({n for h in b.hypercalls.values() for n in h})
            lines += ["Hypercalls for a flip that is completed at once:", "",
                      t.rst(["", *names],
                            ([d, *(f"{h.get(n, 0):.2f}" for n in names)]
                             for d, h in b.hypercalls.items())), ""]
    if scale:
        lines += [f"Ours with more of everything, Linux {scale.guest.version}, PV, "
                  "four CPUs:", "", t.rst(scale.HEAD, scale.lines()), "",
                  ".. figure:: xen-front-speed.svg", "   :alt: the same as plots",
                  "", "   What the guest pays: a flip by heads, a flip by other "
                  "buffers, a buffer by its pages", ""]
        key = "create_addfb_rmfb_destroy_run_ns"
        (DOC / "xen-front-speed.svg").write_text(svg([
            plot("a flip", "heads", "us",
                 {n: f["flip_run_ns"] / 1e3 for n, f in scale.flips.items()}),
            plot("a flip", "other buffers", "us",
                 {n: f["flip_run_ns"] / 1e3 for n, f in scale.buffers.items()}),
            plot("a buffer", "pages", "us",
                 {pages(n): f[key] / 1e3 for n, f in scale.sizes.items()})]))
    (DOC / "xen-front-speed-table.inc").write_text("\n".join(lines))


def arguments():
    p = argparse.ArgumentParser(prog="run", description=__doc__)
    p.add_argument("--mode", choices=[*MODES, "all"], default="all",
                   help="whose memory the buffers are")
    p.add_argument("--kernel", default="6.12", help="6.12 or new")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--short", action="store_true",
                   help="one round, counted as make check wants it")
    p.add_argument("--scale", action="store_true",
                   help="more heads, buffers and pages, too")
    p.add_argument("--doc", action="store_true",
                   help="write the tables of Documentation/gpu; with --scale")
    p.add_argument("--wall", action="store_true", help="measure real time; "
                   "take many rounds and let nothing else run")
    p.add_argument("--count", type=int, default=5,
                   help="buffers of a kind per round")
    p.add_argument("--frames", type=int, default=60,
                   help="flips per round, in a short and in a long run of thrice "
                   "as many")
    args = p.parse_args()
    args.hypercalls = not args.short
    if args.short:
        args.rounds, args.count, args.frames = 1, 3, 30
    return args


def main():
    args = arguments()
    out = build.CHECKOUT / "out"
    out.mkdir(exist_ok=True)
    xen = (lab.Xen if args.wall else lab.CountingXen)("x86_64")
    try:
        shutil.copy(dom0_program(), xen.share / "bin/account")
        xen.start_backend("--zero-copy --pace immediate")
        benches = []
        for mode in MODES if args.mode == "all" else [args.mode]:
            benches.append(Bench(mode, args, xen))
            benches[-1].run()
        scale = None
        if args.scale or args.doc:
            scale = Scale(xen, args, modules(build.kernel("x86_64", args.kernel)) /
                          "bench_meter.ko")
            scale.run()
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)
    parts = benches + ([scale] if scale else [])
    failures = [why for b in parts for why in b.failures()]
    text = "\n".join(b.report() for b in parts)
    text += "".join(f"FAILED {why}\n" for why in failures)
    (out / "bench.txt").write_text(text)
    keep(parts, out / "bench.json")
    if args.doc:
        write_doc(benches, scale)
    print(text)
    if args.short:
        count = sum(len(b.table) for b in benches)
        print(f"{count - len(failures)} passed, {len(failures)} failed, 0 skipped")
    return int(any(failures))


if __name__ == "__main__":
    sys.exit(main())
