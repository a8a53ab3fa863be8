# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The attacks of tests/scenarios/attacks.py on our driver and on the kernel's own,
one guest each, judged alike; README.md tells how."""
import argparse
import re
import shutil
import sys
import textwrap
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
for neighbour in "guest", "lab", "scenarios":
    sys.path.insert(0, str(HERE.parent / neighbour))
import build  # noqa: E402
import lab  # noqa: E402
from attacks import ALL, SHORT  # noqa: E402
from onslaught import VDISPL, Harm, Onslaught, recovers  # noqa: E402

OURS, THEIRS = "ours", "existing"
TABLE = build.CHECKOUT / "Documentation/gpu/xen-front-hostile-table.rst"
CORRUPTION = re.compile(r"Bad page state|Bad rss|list_(add|del) corruption|"
                        r"refcount_t|bad pmd|still in use|double free|"
                        r"KASAN|Object .* overwritten")
CRASH = re.compile(r"Kernel panic|Oops|BUG: |BUG at|general protection|"
                   r"Unable to handle")
ALIVE = "alive"


class Fighter:
    """A driver, and the guest that has it; a new one when that is lost."""

    def __init__(self, xen, name, kernel):
        self.xen, self.name, self.kernel = xen, name, kernel
        self.guest, self.onslaught, self.pictures = None, None, []
        self.be_alloc = False

    def ready(self, be_alloc):
        if self.onslaught and self.be_alloc == be_alloc:
            return
        self.lose()
        self.be_alloc = be_alloc
        for left in (2, 1, 0):
            try:
                self.boot()
                return
            except (AssertionError, RuntimeError, TimeoutError) as e:
                self.lose()
                if not left:
                    raise
                print(f"{self.name}: the guest is booted again: {e}")

    def boot(self):
        self.guest = self.xen.guest(kernel=self.kernel, vdispl=VDISPL,
                                    works=True, stock=self.name == THEIRS,
                                    be_alloc=int(self.be_alloc))
        self.guest.wait_connected()
        self.onslaught = Onslaught(self.xen, self.guest)

    def lose(self):
        self.onslaught = None
        for guest in list(self.xen.guests):
            guest.destroy()

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

    def suffer(self, attack):
        """(verdict, what tells so)"""
        self.xen.ctl("set reset")
        self.ready(attack.be_alloc)
        start = self.guest.log_size()
        try:
            text = self.onslaught.strike(attack, judge=False)
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
    lines = [".. SPDX-License-Identifier: GPL-2.0 OR MIT", "",
             "===============================================",
             "drm/xen-front: one hostile backend, two drivers",
             "===============================================", "",
             "``make bench-hostile`` writes this page. It makes the same attacks on the driver that",
             f"Linux {version} has and on this one, in guests that are alike, under",
             f"{xen_version}. Rows are named after their subjects: rings (R), time (T), events (E),",
             "interrupts (I), grants (G), buffers of the backend (B), XenStore (X), states (S).", "",
             f"These are the {len(results) - len(same)} attacks of {len(results)} that one of the "
             "drivers did not survive.", "",
             ".. list-table::", "   :header-rows: 1", "   :widths: 6 36 24 24 10", "",
             "   * - Row", "     - Attack", "     - Existing driver", "     - Its log",
             "     - This driver"]
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
    p = argparse.ArgumentParser(prog="hostile", description=__doc__)
    p.add_argument("--kernel", default="6.12", help="6.12 or new")
    p.add_argument("--all", action="store_true",
                   help="all attacks, not one of each row")
    p.add_argument("--only", action="append", default=[], metavar="DRIVER",
                   choices=[OURS, THEIRS], help="ours or existing")
    p.add_argument("words", nargs="*", help="attacks with one of these in "
                   "their name; the table is not written then")
    args = p.parse_args()
    attacks = [a for a in ALL if any(w in a.name for w in args.words)] \
        if args.words else ALL if args.all else SHORT
    xen = lab.Xen("x86_64")
    start, results = time.monotonic(), [(a, {}) for a in attacks]
    try:
        xen.start_backend()
        for name in args.only or [OURS, THEIRS]:
            fighter = Fighter(xen, name, args.kernel)
            for i, (attack, verdicts) in enumerate(results):
                verdicts[name] = fighter.suffer(attack)
                print(f"{time.monotonic() - start:5.0f} s  {name} "
                      f"{i + 1}/{len(results)}  {attack.row:4}{attack.name}: "
                      "{}: {:.100}".format(*verdicts[name]), flush=True)
            fighter.lose()
        describe = descriptions(xen)
        xen_version = "Xen " + xen.run("xl info xen_version").out.strip()
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)
    if not args.only:
        text = rst_table(results, describe, build.kernel("x86_64", args.kernel),
                         xen_version)
        (build.CHECKOUT / "out").mkdir(exist_ok=True)
        (build.CHECKOUT / "out/bench-hostile.rst").write_text(text)
        if not args.words:
            TABLE.write_text(text)
        print(text)
    bad = sum(v[OURS][0] != ALIVE for _, v in results if OURS in v)
    print(f"{len(results) - bad} passed, {bad} failed, 0 skipped")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
