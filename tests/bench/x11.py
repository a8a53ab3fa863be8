# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Xorg on our card and on vkms, the kernel's own card without hardware, one after the
other in one guest: x11perf's rectangles, text and scrolling; and whether our card costs
anything while nothing is drawn."""
import re
import shutil
import sys

import contest
import build
import desktop
import lab
from making import BUILD, CACHE, key_of, made

# Ours may be slower by a tenth.
GOAL = 0.9
TESTS = ("rect10", "rect100", "rect500", "ftext", "f8text", "scroll100", "scroll500",
         "copywinwin100", "putimage100")
OURS, VKMS = contest.OURS, "vkms"
IDLE_SECONDS = 60
# The timer of our vertical blankings.
TIMER = "xen_drm_flip_timer"
TRACING = "/sys/kernel/debug/tracing"


def vkms(version):
    """Debian's kernels are built without it."""
    source = CACHE / "kernel/drivers/gpu/drm/vkms"
    files = [(f.name, f) for f in sorted(source.glob("*.[ch]"))]
    files.append(("Kbuild", source / "Makefile"))
    if len(files) == 1:
        raise RuntimeError(f"no sources in {source}: run make check-kunit, which unpacks them")
    return made(BUILD / f"vkms-{version}", key_of(version, *(f for _, f in files)),
                lambda out: build.kbuild("x86_64", version, out, files,
                                         "CONFIG_DRM_VKMS=m")) / "vkms.ko"


def cards(guest):
    return set(guest.run("cd /dev/dri; echo card*").out.split())


def perform(guest, card):
    """{test: operations a second}, by a server on this card."""
    words = " ".join(f"-{test}" for test in TESTS)
    out = guest.run(f"chroot /mnt env DISPLAY=:0 x11perf -repeat 2 -time 1 {words}",
                    timeout=3600).out
    rates = [float(m[1].replace(",", ""))
             for m in re.finditer(r"trep @ .*\(\s*([\d.,]+)/sec\)", out)]
    if len(rates) != len(TESTS):
        raise RuntimeError(f"{len(rates)} of {len(TESTS)} figures of {card} in\n{out}")
    return dict(zip(TESTS, rates))


def ticks(guest):
    """How often the timer of an idle desktop runs."""
    guest.run(f"cd {TRACING}; grep -q {TIMER} available_filter_functions; "
              f"echo {TIMER} >set_ftrace_filter; echo function >current_tracer")
    guest.run("chroot /mnt env DISPLAY=:0 xsetroot -solid white; sleep 2")
    drawn = traced(guest)
    guest.run(f"echo >{TRACING}/trace; sleep {IDLE_SECONDS}", timeout=900)
    idle = traced(guest)
    guest.run(f"echo nop >{TRACING}/current_tracer")
    if not drawn:
        raise RuntimeError(f"{TIMER} is not seen when something is drawn")
    return idle


def traced(guest):
    return int(guest.run(f"grep -c '{TIMER} <-' {TRACING}/trace", check=False).out)


def compare(guest):
    """({card's driver: its figures}, ticks of ours)"""
    cards_of, figures = {OURS: cards(guest)}, {}
    guest.put(vkms(guest.version), "/vkms.ko")
    guest.run("modprobe drm_shmem_helper; modprobe drm_client_lib; insmod /vkms.ko")
    cards_of[VKMS] = cards(guest) - cards_of[OURS]
    for name, (card,) in cards_of.items():
        xorg = desktop.start_xorg(guest, card=card)
        figures[name] = perform(guest, card)
        if name == OURS:
            idle = ticks(guest)
        desktop.stop(guest, xorg)
    return figures, idle


def main():
    parser = contest.parser("run x11", __doc__)
    # Of which there are sources.
    parser.set_defaults(kernel="new")
    args = parser.parse_args()
    xen = lab.CountingXen("x86_64", disks=[build.desktop_disk()])
    try:
        xen.start_backend("--zero-copy --pace 60")
        guest = xen.guest(kernel=args.kernel, vdispl=(("0:1024x768",),), **desktop.GUEST)
        guest.wait_connected()
        figures, idle = compare(guest)
    finally:
        xen.close()
        shutil.rmtree(xen.dir, ignore_errors=True)
    bad = 0
    print(f"{'':<16}{OURS:>12}{VKMS:>12}{'ratio':>8}   operations a second, Linux "
          f"{guest.version}")
    for test in TESTS:
        ours, theirs = figures[OURS][test], figures[VKMS][test]
        bad += ours < GOAL * theirs
        print(f"{test:<16}{ours:>12.1f}{theirs:>12.1f}{ours / theirs:>8.2f}")
    print(f"timer of an idle desktop: {idle} times in {IDLE_SECONDS} s, expected 0")
    bad += idle > 0
    print(f"{len(TESTS) + 1 - bad} passed, {bad} failed, 0 skipped")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
