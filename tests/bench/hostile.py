# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The attacks of tests/scenarios/attacks.py on our driver and on the kernel's own,
one guest each, judged alike; README.md tells how."""
import re
import sys
import textwrap

import contest
from contest import OURS, THEIRS, build, lab
from attacks import ALL, SHORT
from attacked import VDISPL, AttackedGuest, Harm, recovers

TABLE = contest.PAGES / "xen-front-hostile-table.rst"
CORRUPTION = re.compile(r"Bad page state|Bad rss|list_(add|del) corruption|"
                        r"refcount_t|bad pmd|still in use|double free|"
                        r"KASAN|Object .* overwritten")
CRASH = re.compile(r"Kernel panic|Oops|BUG: |BUG at|general protection|"
                   r"Unable to handle")
ALIVE = "alive"


class Driver(contest.Driver):
    """Under attack."""

    def __init__(self, xen, name, kernel):
        super().__init__(xen, name, kernel)
        self.attacked, self.be_alloc = None, False

    def ready(self, be_alloc):
        if self.attacked and self.be_alloc == be_alloc:
            return
        self.lose()
        self.be_alloc = be_alloc
        for left in (2, 1, 0):
            try:
                self.boot(vdispl=VDISPL, works=True, be_alloc=int(be_alloc))
                self.attacked = AttackedGuest(self.xen, self.guest)
                return
            except (AssertionError, RuntimeError, TimeoutError) as e:
                self.lose()
                if not left:
                    raise
                print(f"{self.name}: the guest is booted again: {e}")

    def lose(self):
        self.attacked = None
        super().lose()

    def evidence(self, start):
        """What the guest's log says of it, if anything."""
        bad = lab.scan(self.guest.log(start))
        return re.sub(r"^\[ *[\d.]+\] ", "", bad[0]) if bad else ""

    def verdict(self, error, start):
        """The worst that the guest's log and the oracle say."""
        log = self.guest.log(start)
        if CORRUPTION.search(log):
            return "corrupted"
        if CRASH.search(log):
            return "crashed"
        return error.verdict if isinstance(error, Harm) else "failed"

    def result(self, task):
        self.xen.ctl("set reset")
        self.ready(task.be_alloc)
        start = self.guest.log_size()
        try:
            text = self.attacked.attack(task, judge=False)
            recovers(self, self.guest)
            return ALIVE, text
        except (AssertionError, RuntimeError, TimeoutError, OSError) as e:
            self.xen.ctl("attack off")
            verdict = self.verdict(e, start)
            why = self.evidence(start) or essence(str(e))
            self.lose()
            return verdict, why


def essence(error):
    """A program that ended says why in its last line, others in their first."""
    lines = [line for line in error.splitlines() if line.strip()]
    return lines[-1 if "ended with" in lines[0] else 0].strip()


def descriptions(xen):
    """What each attack is, in the words of the backend."""
    lines = (line.split(maxsplit=2) for line in
             xen.ctl("attacks").out.splitlines())
    texts = {name: text.split(" [")[0] for name, _, text in lines}
    return lambda attack: (
        texts[attack.kind] if attack.kind else
        f"the backend's state is {' and '.join(attack.states)}") + (
        f" ({attack.args})" if attack.args else "")


def rst_table(results, describe, version, xen_version):
    """A row for each attack whose verdicts differ or are bad, and the others' names."""
    same = [a for a, v in results if v[THEIRS][0] == v[OURS][0] == ALIVE]
    lines = [*contest.page_head("drm/xen-front: one hostile backend, two drivers"),
             "``make bench-hostile`` writes this page. It makes the same attacks on the driver that",
             f"Linux {version} has and on this one, in guests that are alike, under",
             f"{xen_version}. Rows are named after their subjects: rings (R), time (T), events (E),",
             "interrupts (I), grants (G), buffers of the backend (B), XenStore (X), states (S).", "",
             f"These are the {len(results) - len(same)} attacks of {len(results)} that one of the "
             "drivers did not survive.", "",
             *contest.table_head("6 36 24 24 10", "Row", "Attack", "Existing driver",
                                 "Its log", "This driver")]
    for attack, verdicts in results:
        if attack not in same:
            verdict, why = verdicts[THEIRS]
            lines += [f"   * - {attack.row}", f"     - {attack.name}: {describe(attack)}",
                      f"     - {verdict}", f"     - ``{why[:64]}``" if why else "     -",
                      f"     - {verdicts[OURS][0]}"]
    names = ", ".join(f"{a.row} {a.name}" for a in same)
    lines += ["", *textwrap.wrap(f"Both drivers are alive after the other {len(same)}: {names}.",
                                 98, break_on_hyphens=False), "", *VERDICTS]
    return "\n".join(lines) + "\n"


VERDICTS = """alive
    The guest answered, its disk and network made progress, a watch was served, its
    clients could be ended, its log has no report, and when the attack was over the
    display came back by itself with the right picture.
hung
    A shell in the guest did not answer for a minute, or had no CPU left.
crashed, corrupted
    The kernel's log reports a bug, or damaged memory.
stalled ...
    The guest is there, but its disk, network or watches are not served.
left a client stuck
    A client could not be ended, even by SIGKILL.
lost its display
    The guest is well, but its display does not come back without a reboot.
not reached
    The driver never uses what the attack is on, such as an EDID.""".split("\n")


def main():
    p = contest.parser("hostile", __doc__)
    p.add_argument("--all", action="store_true",
                   help="all attacks, not one of each row")
    p.add_argument("words", nargs="*", help="attacks with one of these in "
                   "their name; the table is not written then")
    args = p.parse_args()
    attacks = [a for a in ALL if any(w in a.name for w in args.words)] \
        if args.words else ALL if args.all else SHORT
    with contest.xen_with_backend() as xen:
        drivers = [Driver(xen, name, args.kernel) for name in args.only or [OURS, THEIRS]]
        results = contest.results_of(drivers, attacks, lambda a: f"{a.row:4}{a.name}")
        describe = descriptions(xen)
        xen_version = contest.xen_version(xen)
    if not args.only:
        text = rst_table(results, describe, build.kernel("x86_64", args.kernel),
                         xen_version)
        (build.CHECKOUT / "out").mkdir(exist_ok=True)
        (build.CHECKOUT / "out/bench-hostile.rst").write_text(text)
        if not args.words:
            TABLE.write_text(text)
        print(text)
    return contest.sum_up(results, ALIVE)


if __name__ == "__main__":
    sys.exit(main())
