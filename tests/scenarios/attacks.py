# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What a backend can do wrong, what the guest's clients do meanwhile, and what
must become of it. The names are those of `xen-displ-be ctl attacks`."""
import os
import re
from dataclasses import dataclass

# What a client does while the backend misbehaves. All go on until they are ended.
CLIENTS = {
    "none": None,
    "flips": "while :; do kmspaint hold-open --flip-forever --timeout 20; "
             "usleep 500000; done",
    "holds": "kmspaint show --hold --flips 1",
    "churn": "while :; do kmspaint churn 2 320x240 32; usleep 200000; done",
    "opens": "while :; do kmspaint show --flips 1; usleep 200000; done",
}


class Tally:
    """What has been tried, for the last lines of a run."""

    def __init__(self):
        self.rows, self.attacks, self.reports = set(), 0, 0
        self.mutated, self.reconnects = 0, 0

    def show(self):
        if not self.attacks and not self.mutated:
            return
        print(f"rows tried: {len(self.rows)} ({' '.join(sorted(self.rows))}), "
              f"by {self.attacks} attacks")
        print(f"messages mutated: {self.mutated} over {self.reconnects} "
              "reconnects")
        print(f"reports: {self.reports}")


TALLY = Tally()


@dataclass(frozen=True)
class Attack:
    """One line of the table.

    command, args: what the backend is told, if its name is not that of the line
    before: another attack that it needs
    states: written by the backend instead, one after the other, whatever it does
    restart: the backend connects anew, so that it happens meanwhile
    fault: what the guest's log says, once, when the connection is ended for
           it; ANY if that may be or not; None if it must be tolerated
    flips: flips go on while it lasts; for what is tolerated
    closes: the device is given up, as by a wrong configuration, until it is
            bound anew
    orphans: the backend has buffers of which it said that it has not; they end
             with the connection
    lasting: what it has said holds until the connection ends
    error: what a client is told meanwhile
    storm: it costs time all the while, so what is left of a CPU counts
    """
    name: str
    row: str
    command: str = ""
    args: str = ""
    before: str = ""
    states: tuple = ()
    restart: bool = False
    client: str = "flips"
    fault: str = None
    flips: bool = True
    closes: bool = False
    orphans: bool = False
    lasting: bool = False
    error: str = None
    storm: bool = False
    be_alloc: bool = False

    @property
    def kind(self):
        """The backend's name for it, None if it has none."""
        return None if self.states else self.command or self.name

    @property
    def kinds(self):
        return {k for k in (self.kind, self.before) if k}

    def orders(self, domid):
        if self.states:
            return [f"state {domid} 0 {s}" for s in self.states]
        return [f"attack {name} {domid} 0 0 {args}" for name, args in
                ((self.before, ""), (self.kind, self.args)) if name]


UNKNOWN_ID = r"reply with id \d+, which no request waits for"
ANNOUNCED = r"\d+ replies announced, \d+ requests are outstanding"
ANEW = "the backend counts its replies anew"
EVENTS = r"\d+ events announced, the page holds 63"
OTHER_OPERATION = r"reply to operation 0x[0-9a-f]+, request \d+ was 0x[0-9a-f]+"
ANY = ".*"
# That replies begin anew is told of another backend, which is no fault.
FAULT = re.compile(r"(?:connector \d+: (?=.*; the connection ends)|"
                   rf"connection ends: (?={ANEW}))(.*?)(?:; the connection ends)?$", re.M)


def tolerated(row, *names, **kw):
    return [Attack(name, row, **kw) for name in names]


RINGS = [
    Attack("rsp-forward", "R1", client="holds", fault=ANNOUNCED),
    Attack("rsp-backward", "R1", client="holds", fault=ANEW),
    Attack("rsp-far", "R1", "rsp-forward", "value=0x7fffffff", client="holds",
           fault=ANNOUNCED),
    # Nothing else is outstanding then, so there are too many.
    Attack("extra-reply", "R2", args="op=FB_ATTACH", client="opens",
           fault=ANNOUNCED),
    Attack("unknown-id", "R3", fault=UNKNOWN_ID),
    Attack("duplicate", "R4", fault=f"{UNKNOWN_ID}|{OTHER_OPERATION}"),
    Attack("wrong-operation", "R6", fault=OTHER_OPERATION),
    Attack("status", "R7", client="opens", flips=False, orphans=True),
    Attack("status-flip", "R7", "status", "op=PG_FLIP", flips=False),
    Attack("status-attach", "R7", "status", "op=FB_ATTACH", client="opens",
           flips=False, orphans=True),
    Attack("status-create", "R7", "status", "op=DBUF_CREATE", client="churn",
           flips=False, orphans=True),
    Attack("reply-tail", "R7"),
    Attack("reply-rewrite", "R8", storm=True),
    Attack("reply-rewrite-operation", "R8", "reply-rewrite", "value=1",
           fault=ANY, storm=True),
    Attack("storm-request", "R9", storm=True),
    # Silence is no fault: it is waited for, and given up for another connection.
    Attack("consume-none", "R10", flips=False),
    Attack("ring-scribble", "R11", fault=ANY),
    Attack("mute-flip", "T1", "mute", "op=PG_FLIP", flips=False),
    Attack("mute", "T3", client="opens", flips=False),
    Attack("late", "T2", flips=False),
    Attack("late-create", "T2", "late", "op=DBUF_CREATE count=2", client="churn",
           fault=ANY, orphans=True),
]

EVENT_PAGES = [
    Attack("in-prod-forward", "E1", client="holds", fault=EVENTS),
    Attack("in-prod-backward", "E1", client="holds", fault=EVENTS),
    Attack("in-cons", "E2"),
    Attack("event-rewrite", "E3", storm=True),
    *tolerated("E4", "event-id"),
    *tolerated("E5", "event-type"),
    *tolerated("E6", "event-cookie", "event-twice"),
    Attack("event-stray", "E8", client="holds", flips=False),
    Attack("storm-junk", "E7", fault=ANY, storm=True),
    Attack("early-events", "E9", restart=True, flips=False),
    Attack("early-reply", "E9", restart=True, fault=ANY),
    Attack("after-close", "E9", restart=True, flips=False),
    Attack("event-mute", "E11", flips=False),
    Attack("storm-event", "I1", storm=True),
    Attack("storm-both", "I1", storm=True),
]

MEMORY = [
    Attack("buffer-keep", "G1", client="churn", flips=False),
    Attack("ring-keep", "G1", restart=True, flips=False),
    Attack("dir-keep", "G2", client="churn", flips=False),
    Attack("edid-keep", "G2", restart=True, flips=False),
    Attack("kept-scribble", "G2", before="dir-keep", client="churn",
           flips=False),
    Attack("destroy-fail", "G4", client="churn", flips=False),
    Attack("destroy-mute", "G4", client="churn", flips=False),
    Attack("scribble", "G7"),
]

# Buffers of the backend.
OF_BACKEND = [Attack(name, row, client="opens", error=error, flips=False,
                     be_alloc=True) for row, name, error in (
    ("B1", "gref-zero", "EINVAL"), ("B1", "gref-garbage", "ENXIO"),
    ("B1", "gref-foreign", "ENXIO"), ("B1", "gref-revoked", "ENXIO"),
    ("B2", "gref-few", "EINVAL"), ("B3", "dir-loop", None),
    ("B3", "dir-next", None), ("B4", "dir-change", None),
    ("B5", "gref-repeat", None), ("B5", "gref-readonly", "ENXIO"))]

XENSTORE = [Attack(name, row, restart=True, flips=False) for row, name in (
    ("X6", "versions-junk"), ("X6", "versions-missing"),
    ("X6", "versions-huge"),
    ("X9", "edid-size"), ("X9", "edid-checksum"), ("X9", "edid-extensions"),
    ("X9", "edid-changing"))] + [
    # Its size may happen to make sense.
    Attack("edid-random", "X9", restart=True, flips=False, lasting=True),
    Attack("versions-none", "X6", restart=True, flips=False, closes=True)]

STATES = [
    Attack("state-connected", "S1"),
    Attack("state-repeat", "S2", args="count=20"),
    Attack("state-empty", "S3", states=("empty",), flips=False),
    Attack("state-gone", "S3", states=("none",), flips=False),
    Attack("state-closing", "S3", states=("5",), flips=False),
    Attack("state-closed", "S3", states=("6",), flips=False),
    Attack("state-leave", "S4", restart=True, flips=False),
    Attack("state-ignore", "S4", restart=True, flips=False),
    Attack("state-restarts", "S5", states=("1",), flips=False),
    Attack("state-waits", "S5", states=("2",), flips=False),
    Attack("state-return", "S5", flips=False),
    # It has left its rings, and does not say so.
    Attack("state-stuck", "S7", restart=True, fault=ANY),
    Attack("state-flood", "S8", fault=ANY),
    Attack("early-guess", "S12", restart=True, fault=ANY),
    Attack("state-odd", "S8", fault=ANY),
]

ALL = RINGS + EVENT_PAGES + MEMORY + XENSTORE + STATES + OF_BACKEND
# The short form: the first of each row.
SHORT = list({a.row: a for a in reversed(ALL)}.values())[::-1]
LONG = os.environ.get("LONG") == "1"
ATTACKS = ALL if LONG else SHORT
