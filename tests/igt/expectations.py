# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What is expected of subtests, as drivers/gpu/drm/ci keeps it."""
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent


def entries(what):
    """Lines of one of the files; each needs a comment above that tells why."""
    path, result, reason = HERE / f"xen-front-{what}.txt", [], False
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            reason = True
        elif not line:
            reason = False
        elif not reason:
            raise RuntimeError(f"{path.name}: '{line}' has no reason above it")
        else:
            result.append(line)
    return result


class Expectations:
    """Of one configuration, like "6.12-2". An entry in square brackets, like
    "[6.12-2] kms_x@y", is of configurations that match only."""

    def __init__(self, config, everything=False):
        self.everything = everything

        def mine(what):
            for line in entries(what):
                m = re.fullmatch(r"(?:\[(.*)\] )?(.*)", line)
                if not m[1] or re.fullmatch(m[1], config):
                    yield m[2]
        self.fails = dict(line.rsplit(",", 1) for line in mine("fails"))
        self.flakes = list(mine("flakes"))
        self.skips = list(mine("skips"))

    @staticmethod
    def listed(patterns, test):
        return any(re.fullmatch(p, test) for p in patterns)

    def judge(self, test, status):
        """Returns the column of the table, and what there is to say of it."""
        if self.everything:
            return {"Pass": "pass", "Skip": "skip"}.get(status, "failed"), ""
        if test in self.fails:
            want = self.fails[test]
            if status == want:
                return "known", "as expected"
            return "failed", f"EXPECTED {want}"
        if status == "Skip":
            if self.listed(self.skips, test):
                return "skip", ""
            return "failed", "UNEXPECTED"
        if self.listed(self.skips, test):
            return "failed", "EXPECTED Skip"
        if status == "Pass":
            return "pass", ""
        if self.listed(self.flakes, test):
            return "flaky", "flake"
        return "failed", "UNEXPECTED"
