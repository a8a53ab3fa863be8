# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What interrupts a display, on our driver and on the kernel's own, with the same
client; README.md tells how."""
import re
import sys

import contest
from contest import OURS, THEIRS, build
from scenario import eventually
from survival import ONE, Client

TABLE = contest.PAGES / "xen-front-survival-table.rst"
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


class Driver(contest.Driver):
    """With a client, while something happens to its backend."""

    def ready(self):
        if self.guest:
            return
        if self.xen.backend.rc is None:
            self.xen.kill_backend()
        self.xen.start_backend()
        self.boot(vdispl=(ONE,), memory=256)

    def result(self, task):
        _, happen = task
        self.ready()
        # The other driver does not know DIRTYFB.
        client = Client(self, self.guest, dirty=self.name == OURS)
        try:
            eventually(lambda: client.flips() > 5, "the first flips")
            happen(self.xen, self.guest)
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
    lines = [*contest.page_head("drm/xen-front: what a client lives through"),
             "``make bench-survive`` writes this page. A client flips, draws and makes buffers",
             f"without a pause, in guests that are alike but for the driver: that of Linux {version},",
             "which is not asked for DIRTYFB since it does not know that, and this one.",
             f"{xen_version} runs under emulation, so pauses are longer than on hardware.", "",
             *contest.table_head("40 30 30", "Event", "Existing driver", "This driver")]
    for (what, _), verdicts in results:
        lines += [f"   * - {what}", *(f"     - {v}: {why}" for v, why in
                                      (verdicts[THEIRS], verdicts[OURS]))]
    lines += ["", "goes on", "    The client got no error, its card and connectors are the same, and"
              " its next", "    picture is on the screen.", "lost",
              "    Something of that does not hold; the first thing that does not is named."]
    return "\n".join(lines) + "\n"


def main():
    args = contest.parser("survive", __doc__).parse_args()
    with contest.xen_with_backend() as xen:
        drivers = [Driver(xen, name, args.kernel) for name in args.only or [OURS, THEIRS]]
        results = contest.results_of(drivers, EVENTS, lambda event: event[0])
        xen_version = contest.xen_version(xen)
    if not args.only:
        TABLE.write_text(rst_table(results, build.kernel("x86_64", args.kernel), xen_version))
        print(TABLE.read_text())
    return contest.sum_up(results, GOES_ON)


if __name__ == "__main__":
    sys.exit(main())
