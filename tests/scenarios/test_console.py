# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The kernel's own pictures: its text console, and the screen of its panic."""
import contextlib
import signal

import pytest

import desktop
from desktop import pattern
from scenario import ends, eventually, paints, shows

SIZE = (640, 480)
BLACK, WHITE = b"\0\0\0", b"\xff\xff\xff"


@contextlib.contextmanager
def teletype(lab, kernel, **config):
    """A guest with a console. It goes with the scenario, since the console never
    gives up its buffer."""
    guest = lab.guest(kernel=kernel, vdispl=(("0:640x480",),), **config)
    try:
        yield guest
    finally:
        lab.drop(guest)


def console_picture(guest):
    """What the kernel has drawn: the beginning of /dev/fb0."""
    pitch = int(guest.run("cat /sys/class/graphics/fb0/stride").out)
    data = desktop.output(guest, f"head -c {pitch * SIZE[1]} /dev/fb0")
    return pattern.from_xrgb(data, *SIZE, pitch)


def is_seen(lab, guest, text):
    """The console has this text, and the screen is the console's."""
    want = [b""]

    def same():
        want[0] = console_picture(guest)
        return guest.crc() == pattern.crc(want[0])
    # Lines of 80 characters, as they are on the screen.
    eventually(lambda: text in guest.run("cat /dev/vcs1").out, f"'{text}' on the console")
    eventually(same, "the console's picture")
    lit = sum(want[0][i:i + 3] != BLACK for i in range(0, len(want[0]), 3))
    # A letter has some twenty pixels.
    assert lit > 10 * len(text), f"{lit} pixels for {len(text)} letters"
    lab.pictures.append(guest.shot())


def writes(lab, guest, text):
    """Text, without the cursor that blinks; it must come to the screen."""
    guest.run(f"printf '\\033[?25l\\033[2J\\033[H{text}\\n' >/dev/tty1")
    is_seen(lab, guest, text)


@pytest.mark.on("x86_64-6.12", "x86_64-new", "aarch64-new")
@pytest.mark.parametrize("be_alloc", [0, 1], ids=["system", "be-alloc"])
def test_text_console(lab, kernel, be_alloc):
    """With Debian's kernels as they are; it comes back by itself."""
    console = True if be_alloc else "boot"
    with teletype(lab, kernel, console=console, be_alloc=be_alloc) as guest:
        if console == "boot":
            is_seen(lab, guest, "Run /init as init process")
        login = guest.popen("exec setsid busybox getty 38400 tty1 linux")
        is_seen(lab, guest, "login:")
        login.kill()
        writes(lab, guest, "hello from the console")
        p = paints(guest, "--seed 3")
        shows(lab, guest, size=SIZE, seed=3)
        ends(p)
        writes(lab, guest, "the client has gone")
        lab.xen.restart_backend("KILL")
        guest.wait_connected(timeout=60)
        writes(lab, guest, "and this is another backend")


@pytest.mark.on("x86_64-6.12", "aarch64-new")
def test_silent_backend_holds_up_no_console(lab, kernel):
    """Blanking sets modes under a lock that the whole kernel wants to print."""
    with teletype(lab, kernel, console=True) as guest:
        writes(lab, guest, "before the silence")
        p = guest.popen("read go; read begin rest </proc/uptime; for i in 1 2 3; do "
                        "echo 4 >/sys/class/graphics/fb0/blank; "
                        "echo 0 >/sys/class/graphics/fb0/blank; "
                        "echo test >/dev/kmsg; done; "
                        "read end rest </proc/uptime; echo took $begin $end")
        lab.xen.backend.kill(signal.SIGSTOP)
        try:
            p.write("go\n")
            p.expect("took ")
            p.wait()
        finally:
            lab.xen.backend.kill(signal.SIGCONT)
        begin, end = (float(n) for n in p.out.split("took ")[1].split())
        # Three modes, each of which would wait for three seconds.
        assert end - begin < 3, f"{end - begin} s"
        writes(lab, guest, "after the silence")


@pytest.mark.on("x86_64-6.12")
@pytest.mark.watchdog(600)
def test_console_and_weston(lab, kernel):
    with teletype(lab, kernel, console=True, **desktop.GUEST) as guest:
        writes(lab, guest, "before the desktop")
        weston = desktop.start_weston(guest)
        client = desktop.popen(guest, desktop.TERMINAL % "echo hello")
        lab.pictures.append(desktop.window(guest, 0.1, desktop.TERMINAL_COLOUR, client))
        desktop.stop(guest, client, weston)
        writes(lab, guest, "after the desktop")


@pytest.mark.on("aarch64-new")
def test_panic(lab, kernel):
    """Debian's 6.12 is built without that screen."""
    with teletype(lab, kernel, cmdline="drm.panic_screen=user") as guest:
        paints(guest, "--seed 3")
        before = guest.crc()
        guest.popen("echo c >/proc/sysrq-trigger")
        eventually(lambda: guest.crc() != before, "the panic's screen")
        png = guest.shot()
        lab.pictures.append(png)
        w, h, rgb = pattern.read_png(png)
        assert (w, h) == SIZE
        pixels = [rgb[i:i + 3] for i in range(0, len(rgb), 3)]
        black, white = pixels.count(BLACK), pixels.count(WHITE)
        assert black + white == len(pixels), "a former picture is left"
        assert 1000 < white < black, (black, white)
