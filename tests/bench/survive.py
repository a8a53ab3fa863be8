# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What interrupts a display, on our driver and on the kernel's own, with the same
client; README.md tells how."""
import argparse
import re
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
for neighbour in "guest", "lab", "scenarios":
    sys.path.insert(0, str(HERE.parent / neighbour))
import build  # noqa: E402
import lab  # noqa: E402
from scenario import eventually  # noqa: E402
from survival import ONE, Client  # noqa: E402

OURS, THEIRS = "ours", "existing"
TABLE = build.CHECKOUT / "Documentation/gpu/xen-front-survival-table.rst"
GOES_ON = "goes on"


def restarts(how, delay):
    return lambda xen, guest: xen.restart_backend(how, delay)


def is_reset(xen, guest):
    xen.run(f"xenstore-write {guest.back()}/state 1")


def attach_and_detach(_xen, guest):
    guest.detach_display(guest.attach_display(ONE))


# (what happens, how to make it happen)
EVENTS = [
    ("the backend stops and starts at once", restarts("TERM", 0)),
    ("the backend stops and starts after 10 s", restarts("TERM", 10)),
    ("the backend is killed and starts at once", restarts("KILL", 0)),
    ("the backend is killed and starts after 10 s", restarts("KILL", 10)),
    ("the toolstack resets the backend", is_reset),
    ("the backend is silent for 4 s", lambda xen, guest: xen.pause_backend(4)),
    ("the backend is silent for 8 s", lambda xen, guest: xen.pause_backend(8)),
    ("the guest is paused for 4 s", lambda xen, guest: guest.pause(4)),
    ("xl save, xl restore", lambda xen, guest: guest.save_restore()),
    ("xl save -c", lambda xen, guest: guest.checkpoint()),
    ("a save fails", lambda xen, guest: guest.cancel_save()),
    ("a second display comes and goes", attach_and_detach),
]


class Household:
    """A driver, and the guest that has it; a new one when something was lost."""

    def __init__(self, xen, name, kernel):
        self.xen, self.name, self.kernel = xen, name, kernel
        self.guest, self.pictures = None, []

    def move_in(self):
        if self.guest:
            return
        if self.xen.backend.rc is None:
            self.xen.kill_backend()
        self.xen.start_backend()
        self.guest = self.xen.guest(kernel=self.kernel, vdispl=(ONE,), memory=256,
                                    stock=self.name == THEIRS)
        self.guest.wait_connected()

    def lose(self):
        self.guest = None
        for guest in list(self.xen.guests):
            guest.destroy()

    def suffer(self, event):
        """What the client says of it, or what became of it."""
        self.move_in()
        # The other driver does not know DIRTYFB.
        client = Client(self, self.guest, dirty=self.name == OURS)
        try:
            eventually(lambda: client.flips() > 5, "the first flips")
            event(self.xen, self.guest)
            client.goes_on()
            client.ends()
            return GOES_ON, f"longest pause {client.counters()['maxgap_ms'] / 1000:.1f} s"
        except (AssertionError, RuntimeError, TimeoutError) as e:
            why = reason(client, e)
            self.lose()
            return "lost", why


def reason(client, error):
    """The client's first error, or what else was waited for in vain."""
    first = re.search(r"^error.*errno=(\w+)", client.process.out, re.M)
    if first:
        return f"its client gets {first[1]}"
    return [line for line in str(error).splitlines() if line.strip()][0][:60]


def rst_table(results, version, xen_version):
    title = "drm/xen-front: what a client lives through"
    lines = [".. SPDX-License-Identifier: GPL-2.0 OR MIT", "",
             "=" * len(title), title, "=" * len(title), "",
             "``make bench-survive`` writes this page. A client flips, draws and makes buffers",
             f"without a pause, in guests that are alike but for the driver: that of Linux {version},",
             "which is not asked for DIRTYFB since it does not know that, and this one.",
             f"{xen_version} runs under emulation, so pauses are longer than on hardware.", "",
             ".. list-table::", "   :header-rows: 1", "   :widths: 40 30 30", "",
             "   * - Event", "     - Existing driver", "     - This driver"]
    for what, verdicts in results:
        lines += [f"   * - {what}", *(f"     - {v}: {why}" for v, why in
                                      (verdicts[THEIRS], verdicts[OURS]))]
    lines += ["", "goes on", "    The client got no error, its card and connectors are the same, and"
              " its next", "    picture is on the screen.", "lost",
              "    Something of that does not hold; the first thing that does not is named."]
    return "\n".join(lines) + "\n"


def measure(xen, names, kernel, events):
    start, results = time.monotonic(), [(what, {}) for what, _ in events]
    for name in names:
        household = Household(xen, name, kernel)
        for i, (what, event) in enumerate(events):
            results[i][1][name] = household.suffer(event)
            print(f"{time.monotonic() - start:5.0f} s  {name} {i + 1}/{len(events)}  {what}: "
                  "{}: {}".format(*results[i][1][name]), flush=True)
        household.lose()
    return results


def main():
    p = argparse.ArgumentParser(prog="survive", description=__doc__)
    p.add_argument("--kernel", default="6.12", help="6.12 or new")
    p.add_argument("--only", action="append", default=[], metavar="DRIVER",
                   choices=[OURS, THEIRS], help="ours or existing; no table then")
    args = p.parse_args()
    xen = lab.Xen("x86_64")
    try:
        xen.start_backend()
        results = measure(xen, args.only or [OURS, THEIRS], args.kernel, EVENTS)
        xen_version = "Xen " + xen.run("xl info xen_version").out.strip()
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)
    if not args.only:
        TABLE.write_text(rst_table(results, build.kernel("x86_64", args.kernel), xen_version))
        print(TABLE.read_text())
    bad = sum(v[OURS][0] != GOES_ON for _, v in results if OURS in v)
    print(f"{len(results) - bad} passed, {bad} failed, 0 skipped")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
