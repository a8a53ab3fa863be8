# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The rows of the bench, what is wanted of them, and how they are printed."""
from statistics import median

OURS, THEIRS, BARE = "ours", "existing", "limit"
# Whose instructions are counted.
ALL, GUEST = "all", "guest"
# What medians may differ by when the driver is the same.
NOISE = 0.95
# What the short form looks for, since it is no place to fail for goals that are yet
# to be reached: existing / ours and limit / ours as they have been, by mode and row.
REACHED = {
    ("system", "flip, completed at once"): (0.8, 0.25),
    ("system", "flip, completed at 60 Hz"): (1.29, 0.5),
    ("system", "worst of 100 at 60 Hz, busy CPU"): (1.1, None),
    ("system", "1080p create+destroy"): (20.0, None),
    ("system", "1080p create+addfb+rmfb+destroy"): (3.44, 0.91),
    ("system", "1080p map+touch"): (1.01, 0.5),
    ("system", "1080p create+map+touch"): (2.69, None),
    ("system", "UHD create+destroy"): (20.0, None),
    ("system", "UHD create+addfb+rmfb+destroy"): (None, 1.02),
    ("system", "UHD map+touch"): (1.03, 0.52),
    ("system", "UHD create+map+touch"): (2.76, None),
    ("system", "1080p memory beyond pages"): (1.01, None),
    ("backend", "flip, completed at once"): (0.46, 0.27),
    ("backend", "flip, completed at 60 Hz"): (1.02, 0.7),
    ("backend", "worst of 100 at 60 Hz, busy CPU"): (1.0, None),
    ("backend", "1080p create+destroy"): (1.0, None),
    ("backend", "1080p create+addfb+rmfb+destroy"): (1.0, 1.12),
    ("backend", "1080p map+touch"): (0.73, None),
    ("backend", "1080p create+map+touch"): (0.97, None),
    ("backend", "UHD create+destroy"): (1.0, None),
    ("backend", "UHD create+addfb+rmfb+destroy"): (None, 1.13),
    ("backend", "UHD map+touch"): (0.73, None),
    ("backend", "UHD create+map+touch"): (0.98, None),
}
# It has few samples.
SHORT_NOISE = 0.9
# kmsbench says 4 figures of a kind besides the two clocks.
COUNTS = ("switches", "device_irqs", "timer_irqs", "ipis")


class Row:
    """One thing that is measured: `command` of kmsbench prints KEY_ns and
    KEY_run_ns. `bare` is the command of the bare module that is the limit."""

    def __init__(self, name, command, key, bare=None, goals=(1, None),
                 account=False, pace="immediate"):
        self.name, self.key, self.pace = name, key, pace
        self.commands = {OURS: command, THEIRS: command, BARE: bare}
        # existing / ours, and limit / ours, of the guest's own cost, at least
        self.goals = goals
        # Clients are held to a rate, so that time passes while nobody computes.
        self.account = account
        self.samples, self.counts = {}, {}

    def take(self, driver, figures):
        """figures: {key: value} of one round."""
        keys = {ALL: f"{self.key}_{'all' if self.account else 'ns'}",
                GUEST: f"{self.key}_run_ns"}
        for whose, key in keys.items():
            if key in figures:
                self.samples.setdefault((driver, whose), []).append(
                    figures[key])
        for count in COUNTS:
            if f"{self.key}_{count}" in figures:
                self.counts.setdefault((driver, count), []).append(
                    figures[f"{self.key}_{count}"])

    def value(self, driver, whose):
        samples = self.samples.get((driver, whose))
        return median(samples) if samples else None

    def ratio(self, driver, whose=GUEST):
        """Above 1: ours is better than that driver."""
        ours, other = self.value(OURS, whose), self.value(driver, whose)
        return other / ours if ours and other else None

    def failures(self, goals=None, noise=NOISE):
        if self.value(OURS, GUEST) is None:
            yield "no figure of ours"
        for driver, goal in zip((THEIRS, BARE), goals or self.goals):
            ratio = self.ratio(driver)
            if goal and ratio is not None and ratio < goal * noise:
                yield f"{driver}/ours is {ratio:.2f}, expected {goal:.2f}"

    def as_json(self):
        return {"name": self.name, "goals": self.goals,
                "us": {f"{d} {w}": self.value(d, w) and self.value(d, w) / 1e3
                       for d in (OURS, THEIRS, BARE) for w in (ALL, GUEST)},
                "counts": {f"{d} {c}": median(v)
                           for (d, c), v in self.counts.items()}}


class Single(Row):
    """One figure only, that is no time of a guest."""

    def __init__(self, name, command, key, unit, scale=1, **kw):
        super().__init__(name, command, key, **kw)
        self.unit, self.scale = unit, scale

    def take(self, driver, figures):
        if self.key in figures:
            self.samples.setdefault((driver, GUEST), []).append(
                figures[self.key])


def flips(count):
    return f"flips {count}"


def rows(mode, count, frames):
    # A backend's buffer costs the guest only its mapping.
    buffers = (2, 1 / 1.5) if mode == "system" else (1.3, None)
    mapping = (1, None) if mode == "system" else (1.3, None)
    table = [Row("flip, completed at once", flips(frames), "flip", flips(frames),
                 (1.3, 0.9), account=True),
             Row("flip, completed at 60 Hz", flips(frames), "flip", flips(frames),
                 account=True, pace="60")]
    for name, size in (("1080p", "1920x1080"), ("UHD", "3840x2160")):
        dumb, touch = f"dumb {size} {count}", f"touch {size} {count}"
        table += [
            Row(f"{name} create+destroy", dumb, "create_destroy",
                goals=mapping),
            Row(f"{name} create+addfb+rmfb+destroy", dumb,
                "create_addfb_rmfb_destroy", dumb, buffers),
            Row(f"{name} map+touch", touch, "map_touch",
                touch if mode == "system" else None, mapping),
            Row(f"{name} create+map+touch", touch, "create_map_touch",
                goals=mapping),
            # Of the row before, to see where it goes; ours has no pages before.
            Row(f"{name} create", touch, "create", goals=(None, None)),
            Row(f"{name} map", touch, "map", goals=(None, None)),
            Row(f"{name} touch", touch, "touch", goals=(None, None))]
    # From the ioctl to the event, which comes at the end of a period.
    table.insert(2, Single("worst of 100 at 60 Hz, busy CPU",
                           flips(2 * frames) + " spin=1", "p99_interval_ns",
                           "us", 1e-3, pace="60"))
    if mode == "system":
        table.append(Single("1080p memory beyond pages", "memory 1920x1080 20",
                            "beyond_pages_per_buffer", "bytes"))
    return table


def show(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


def line(row, whose):
    single = isinstance(row, Single)
    scale = row.scale if single else 1e-3
    cells = [row.value(d, whose) for d in (OURS, THEIRS, BARE)]
    cells = [show(c and c * scale) for c in cells]
    ratios = [row.ratio(d, whose) for d in (THEIRS, BARE)]
    cells += [f"{r:.2f}" if r else "-" for r in ratios]
    wanted = [""] * 2
    if whose == GUEST:
        wanted = [f"{g:.2f}" if g else "-" for g in row.goals]
    return [row.name, row.unit if single else whose, *cells, *wanted]


HEAD = ["", "us", OURS, THEIRS, BARE, "exist/ours", "limit/ours", "goal",
        "goal"]


def lines(table):
    for row in table:
        if not isinstance(row, Single):
            yield line(row, ALL)
        yield line(row, GUEST)


def counted(table):
    """Lines of what happened beside computing, per operation."""
    for row in table:
        for driver in (OURS, THEIRS):
            found = [row.counts.get((driver, c)) for c in COUNTS]
            if all(found):
                yield [row.name, driver, *(f"{median(f):.2f}" for f in found)]


COUNT_HEAD = ["", "", "switches", "device irqs", "timer irqs", "IPIs"]


def text(head, body):
    body = [head, *body]
    widths = [max(len(r[i]) for r in body) for i in range(len(head))]
    return "\n".join("  ".join(c.ljust(w) if i < 2 else c.rjust(w)
                               for i, (c, w) in enumerate(zip(r, widths))).rstrip()
                     for r in body)


def rst(head, body):
    """A simple table of reStructuredText; its first cells must not be empty."""
    body = [[c or "\\" for c in r] for r in [head, *body]]
    widths = [max(len(r[i]) for r in body) for i in range(len(head))]
    rule = " ".join("=" * w for w in widths)
    rows_ = [" ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip()
             for r in body]
    return "\n".join([rule, rows_[0], rule, *rows_[1:], rule])
