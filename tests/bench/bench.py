# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Our driver and the kernel's own, in turns, in one boot of a guest; README.md
tells what the figures mean."""
import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lab"))
import build  # noqa: E402
import lab  # noqa: E402

OURS, THEIRS = "ours", "theirs"
DRIVERS = {OURS: "insmod /drm_xen_front.ko", THEIRS: "modprobe drm_xen_front"}
# A module that is bound to a device cannot be unloaded.
UNLOAD = """cd /sys/bus/xen/drivers/vdispl && for d in vdispl-*; do
    echo $d >unbind; done; rmmod drm_xen_front"""
LOG = "the kernel's log"
# What medians differ by on a busy machine when the driver is the same.
EQUAL = 0.95

MODES = {"system": ("system memory", {"kind": "pv"}),
         "backend": ("allocated by the backend", {"kind": "pvh", "be_alloc": 1})}
# The flips' display, and one so small that emulation can hold 60 Hz.
FAST, PACED = 0, 1
VDISPL = (("fast:1024x768",), ("paced:640x480",))
FLIPS, FLIPS60 = "flips 1", "flips60 1"


class Row:
    """One line of the table: the sum of figures that kmsbench printed."""

    def __init__(self, name, command, keys, unit):
        self.name, self.unit = name, unit
        self.figures = [(command, k) if isinstance(k, str) else k for k in keys]
        self.samples = {d: [] for d in DRIVERS}

    def take(self, driver, figures):
        if all(f in figures for f in self.figures):
            factor = 1e-6 if self.unit == "ms" else 1
            self.samples[driver].append(
                factor * sum(figures[f] for f in self.figures))

    def value(self, driver):
        return median(self.samples[driver]) if self.samples[driver] else None

    def ratio(self):
        """Above 1: ours is better."""
        ours, theirs = self.value(OURS), self.value(THEIRS)
        if not ours or not theirs:
            return None
        return ours / theirs if self.unit == "1/s" else theirs / ours

    def verdict(self):
        ratio = self.ratio()
        if self.value(OURS) is None:
            return "FAILED, no figure of ours"
        if ratio is None:
            return "only ours can"
        if ratio < EQUAL:
            return "SLOWER"
        return "better" if ratio > 1 / EQUAL else "equal within noise"

    def failed(self):
        return self.verdict().startswith(("SLOWER", "FAILED"))

    def show(self, driver):
        value = self.value(driver)
        if value is None:
            return "impossible"
        return f"{value:.0f}" if value >= 1000 else f"{value:.2f}"

    def text(self):
        ratio = self.ratio()
        return (f"{self.name:<36}{self.unit:<6}{self.show(OURS):>11}"
                f"{self.show(THEIRS):>11}{f'{ratio:.2f}' if ratio else '-':>9}"
                f"  {self.verdict()}")


def rows(mode, count):
    table = [Row("flips, completed at once", FLIPS, ["flips_per_second"], "1/s"),
             Row("flips, completed at 60 Hz", FLIPS60, ["flips_per_second"],
                 "1/s")]
    for name, size in (("1080p", "1920x1080"), ("UHD", "3840x2160")):
        dumb, touch = f"dumb {size} {count}", f"touch {size} {count}"
        table += [
            Row(f"{name} create+destroy", dumb, ["create_destroy_ns"], "ms"),
            Row(f"{name} create+addfb+rmfb+destroy", dumb,
                ["create_addfb_rmfb_destroy_ns"], "ms"),
            Row(f"{name} map+touch", touch, ["mmap_ns", "touch_ns"], "ms"),
            Row(f"{name} create+map+touch", touch,
                [(dumb, "create_ns"), "mmap_ns", "touch_ns"], "ms")]
    if mode == "system":
        table.append(Row("1080p memory beyond pages", "memory 1920x1080 20",
                         ["beyond_pages_per_buffer"], "bytes"))
    return table


def bench(guest, command, driver, problems):
    """Run kmsbench; what it printed before it failed counts, too."""
    dev = PACED if command == FLIPS60 else FAST
    guest.xen.ctl("pace " + ("60" if command == FLIPS60 else "immediate"))
    r = guest.run("kmsbench --card /dev/dri/$(basename /sys/bus/xen/devices/"
                  f"vdispl-{dev}/drm/card*) {command}", timeout=300, check=False)
    if r.rc:
        problems.setdefault((driver, command), r.err.strip())
    pairs = (line.split("=") for line in r.out.splitlines() if "=" in line)
    return {(command, key): float(value) for key, value in pairs}


def run_round(guest, driver, table, problems):
    start, figures = guest.log_size(), {}
    guest.run(DRIVERS[driver])
    for dev in (FAST, PACED):
        guest.wait_connected(dev)
    for command in dict.fromkeys(c for row in table for c, _ in row.figures):
        figures.update(bench(guest, command, driver, problems))
    for row in table:
        row.take(driver, figures)
    guest.run(UNLOAD)
    for line in lab.scan(guest.log(start)):
        problems.setdefault((driver, LOG), line)


def report(mode, guest, table, problems, args):
    clock = "real time" if args.wall else "executed instructions, 4 ns each"
    lines = [f"Buffers: {MODES[mode][0]}. Guest: Linux {guest.version}, "
             f"{MODES[mode][1]['kind'].upper()}.",
             f"Medians of {args.rounds} rounds; time is {clock}; load "
             f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs.", "",
             f"{'':<36}{'unit':<6}{'ours':>11}{'theirs':>11}{'ratio':>9}",
             *(row.text() for row in table), ""]
    paced = table[1].value(OURS) or 0
    if paced < 59:
        lines.append(f"60 Hz: this machine gives {paced:.1f} frames/s.")
    lines += [f"{driver}, {command}: {why}"
              for (driver, command), why in problems.items()]
    return "\n".join(lines) + "\n"


NOTES = f"""
Above 1, ours is better. A median ratio below {EQUAL} fails; from there to
{1 / EQUAL:.2f} is noise. Ours shares a buffer with the backend at its first ADDFB,
theirs at its creation: so create+addfb+rmfb+destroy is what to compare.
"""


def run(mode, args, xen):
    guest = xen.guest(kernel=args.kernel, vdispl=VDISPL, memory=2048, vcpus=1,
                      extra="max_grant_frames=128", **MODES[mode][1])
    guest.run(UNLOAD)
    table, problems = rows(mode, args.count), {}
    start = time.monotonic()
    for i in range(args.rounds):
        for driver in DRIVERS:
            run_round(guest, driver, table, problems)
        build.progress(f"{mode}: round {i + 1} of {args.rounds}, "
                       f"{time.monotonic() - start:.0f} s")
    text = report(mode, guest, table, problems, args)
    guest.destroy()
    return text, ((OURS, LOG) in problems or
                  any(row.failed() for row in table))


def main():
    p = argparse.ArgumentParser(prog="run", description=__doc__)
    p.add_argument("--mode", choices=[*MODES, "all"], default="system",
                   help="whose memory the buffers are")
    p.add_argument("--kernel", default="6.12", help="6.12 or new")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--wall", action="store_true", help="measure real time; "
                   "take many rounds and let nothing else run")
    p.add_argument("--count", type=int, default=5, help="buffers of a kind "
                   "per round, of which the median counts")
    args = p.parse_args()
    out = build.CHECKOUT / "out/bench.txt"
    out.parent.mkdir(exist_ok=True)
    xen = (lab.Xen if args.wall else lab.CountingXen)("x86_64")
    try:
        xen.start_backend("--zero-copy --pace immediate")
        texts, failed = zip(*(run(mode, args, xen) for mode in
                              (MODES if args.mode == "all" else [args.mode])))
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)
    text = "\n".join(texts) + NOTES
    out.write_text(text)
    print(text)
    return int(any(failed))


if __name__ == "__main__":
    sys.exit(main())
