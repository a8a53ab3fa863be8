# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A mutant: one thing in the driver that is broken, and which tests must find it."""
import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CHECKOUT = TESTS.parent


@dataclass(frozen=True)
class Mutant:
    """What is broken, in which source, the text and what it becomes. Each runner
    that must find it has a guard. For kunit that is a suite and its test, for fuzz a
    target, for state a rule, and for lab a scenario by words of pytest."""
    what: str
    source: str
    old: str
    new: str
    guards: dict

    def fault(self):
        """What is wrong with this line of the table, if anything."""
        count = (CHECKOUT / self.source).read_text(encoding="utf-8").count(self.old)
        if count != 1:
            return f"{self.source} has {self.old!r} {count} times, expected once"
        unknown = [f"{runner}: {guard}" for runner, guard in self.guards.items()
                   if not EXISTS[runner](guard)]
        if unknown:
            return f"there is no {', '.join(unknown)}"
        return "" if self.guards else "nobody guards it"

    @contextlib.contextmanager
    def applied(self, directory):
        """The source in this directory is broken meanwhile."""
        path = directory / self.source
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise SystemExit(f"{self.what}: {self.fault()}")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")


def of(name, rows):
    """Mutants of one source of the driver."""
    return [Mutant(what, f"xen_drm_front_{name}.c", old, new, guards)
            for what, old, new, guards in rows]


def anywhere(pattern, files):
    """Whether one of these files below tests/ has it."""
    return any(re.search(pattern, f.read_text(encoding="utf-8"))
               for f in TESTS.glob(files))


def kunit_exists(guard):
    suite, test = guard.split(".")
    return anywhere(rf"KUNIT_CASE\w*\({test}\b", f"kunit/{suite}_kunit.c")


EXISTS = {
    "kunit": kunit_exists,
    "fuzz": lambda target: (TESTS / f"fuzz/fuzz_{target}.c").exists(),
    "state": lambda rule: anywhere(re.escape(f'"{rule}"'), "state/model.c"),
    "lab": lambda words: anywhere(rf"def {words.split()[0]}\w*\(",
                                  "scenarios/test_*.py"),
}
