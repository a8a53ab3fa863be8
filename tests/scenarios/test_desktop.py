# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Real desktops and players: what they believe to show is what the backend sees,
on one screen and on two, also when the backend has been another one."""
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

import desktop
from channel import Process
from desktop import pattern
from scenario import eventually, still_works
from survival import (TALLY, card_and_connectors, connection, leaves_nothing,
                      repeated, some_time, survives)

pytestmark = [pytest.mark.on("x86_64-6.12", "x86_64-new"), pytest.mark.watchdog(900)]
# Debian's packages cannot be configured for another architecture, which Xorg needs.
WESTON = pytest.mark.on("x86_64-6.12", "x86_64-new", "aarch64-new")
ONE = ("0:1024x768",)
TWO = ("0:640x480", "1:512x384")


@pytest.fixture
def desktop_one(lab, kernel):
    return lab.guest(kernel=kernel, vdispl=(ONE,), **desktop.GUEST)


@pytest.fixture
def desktop_two(lab, kernel):
    """With two screens."""
    return lab.guest(kernel=kernel, vdispl=(TWO,), **desktop.GUEST)


def terminal(guest):
    return desktop.popen(guest, desktop.TERMINAL % "echo hello")


def outlives(lab, guest, server, client, colour):
    """Each kind of restart: the same server and window, which is on the screen
    again without anybody asking for it."""
    for how in ("TERM", "KILL"):
        lab.xen.restart_backend(how)
        guest.wait_connected(timeout=60)
        lab.pictures.append(desktop.window(guest, 0.1, colour, client))
        assert server.rc is None, server.out + server.err
    cards = guest.run("ls /dev/dri").out
    assert "card1" not in cards, cards


def screens_differ(lab, guest, picture, screens, dev):
    """Why a screen shows something else than its part of a picture, or ''."""
    width, height, rgb = picture
    for conn, (x, y, w, h) in screens.items():
        want = pattern.crop(rgb, width, height, w, h, x, y)
        if guest.crc(dev, conn) == pattern.crc(want):
            continue
        png = guest.shot(dev, conn)
        lab.pictures.append(png)
        got_w, got_h, got = pattern.read_png(png)
        if (got_w, got_h) != (w, h):
            return f"{png.name}: {got_w}x{got_h}, {w}x{h} expected"
        return f"{png.name}: {pattern.compare(want, got, w, h)}"
    return ""


def agrees(lab, guest, take, screens, dev=0):
    """Desktop and backend have the same picture of all screens. It may change
    in between, as clocks and cursors do, and while a screen comes there is none."""
    why = ["nobody looked"]

    def same():
        try:
            why[0] = screens_differ(lab, guest, take(guest), screens, dev)
        except (RuntimeError, ValueError) as e:
            why[0] = str(e)
        return not why[0]
    try:
        eventually(same, "the desktop's picture")
    except AssertionError as e:
        raise AssertionError(why[0]) from e


def weston_outlives(lab, guest):
    weston = desktop.start_weston(guest)
    client = terminal(guest)
    desktop.window(guest, 0.1, desktop.TERMINAL_COLOUR, client)
    agrees(lab, guest, desktop.weston_picture, {0: (0, 0, 1024, 768)})
    outlives(lab, guest, weston, client, desktop.TERMINAL_COLOUR)
    agrees(lab, guest, desktop.weston_picture, {0: (0, 0, 1024, 768)})
    desktop.stop(guest, client, weston)


@WESTON
def test_weston(lab, desktop_one):
    weston_outlives(lab, desktop_one)


@WESTON
def test_weston_with_buffers_of_the_backend(lab, kernel):
    """What was in them goes with the backend. Weston draws what changes, so a window that
    comes afterwards is there."""
    guest = lab.guest(kernel=kernel, vdispl=(ONE,), be_alloc=1, **desktop.GUEST)
    weston = desktop.start_weston(guest)
    client = terminal(guest)
    desktop.window(guest, 0.1, desktop.TERMINAL_COLOUR, client)
    agrees(lab, guest, desktop.weston_picture, {0: (0, 0, 1024, 768)})
    desktop.stop(guest, client)
    lab.xen.restart_backend("KILL")
    guest.wait_connected(timeout=60)
    client = terminal(guest)
    lab.pictures.append(desktop.window(guest, 0.1, desktop.TERMINAL_COLOUR, client))
    desktop.stop(guest, client, weston)


@pytest.mark.on("aarch64-new")
def test_weston_with_contiguous_buffers(lab, kernel):
    config = desktop.GUEST | {"cmdline": f"{desktop.GUEST['cmdline']} cma=128M"}
    weston_outlives(lab, lab.guest(kernel=kernel, vdispl=(ONE,), cma=True, **config))


@WESTON
@pytest.mark.parametrize("renderer", ["pixman", "gl"])
def test_weston_on_two_screens(lab, desktop_two, renderer):
    weston = desktop.start_weston(desktop_two, renderer)
    client = terminal(desktop_two)
    lab.pictures.append(desktop.window(desktop_two, 0.1, desktop.TERMINAL_COLOUR,
                                       client))
    agrees(lab, desktop_two, desktop.weston_picture,
           {0: (0, 0, 640, 480), 1: (640, 0, 512, 384)})
    desktop.stop(desktop_two, client, weston)


def test_weston_follows_the_size(lab, desktop_one):
    """Of a monitor that the toolstack replaces."""
    weston = desktop.start_weston(desktop_one)
    client = terminal(desktop_one)
    desktop.window(desktop_one, 0.1, desktop.TERMINAL_COLOUR, client)
    node = f"{desktop_one.front()}/0/resolution"
    for size in ((800, 600), (1024, 768)):
        lab.xen.run(f"xenstore-write {node} {size[0]}x{size[1]}")
        agrees(lab, desktop_one, desktop.weston_picture, {0: (0, 0, *size)})
        lab.pictures.append(desktop.window(desktop_one, 0.1,
                                           desktop.TERMINAL_COLOUR, client))
    desktop.stop(desktop_one, client, weston)
    lab.excuse("exceeds the connector")


def xterm(guest, place):
    return desktop.popen(guest, "DISPLAY=:0 exec xterm -fg white "
                         f"-bg '#{desktop.XTERM_COLOUR}' "
                         f"-geometry {place} -e sleep 1000")


def test_xorg_with_xterm(lab, desktop_one):
    """X draws into one buffer: only DIRTYFB tells that it did."""
    xorg = desktop.start_xorg(desktop_one)
    client = xterm(desktop_one, "80x24+100+100")
    lab.pictures.append(desktop.window(desktop_one, 0.1, desktop.XTERM_COLOUR,
                                       client))
    outlives(lab, desktop_one, xorg, client, desktop.XTERM_COLOUR)
    desktop.stop(desktop_one, client, xorg)


def fill_root(guest):
    """With lines, so that each shift of a pixel shows."""
    desktop.in_x(guest, "xsetroot -mod 7 5 -fg '#c08040' -bg '#103050'")


# As xrandr is told where the second screen is; the last one has borders that no
# screen shows.
PLACES = ("--right-of Virtual-1", "--left-of Virtual-1", "--below Virtual-1",
          "--above Virtual-1", "--same-as Virtual-1",
          "--pos 700x100 --output Virtual-1 --pos 30x50 --fb 1300x600")


def test_xorg_on_two_screens(lab, desktop_two):
    """They are one framebuffer, of which each connector shows a part, so most
    pictures come by way of the shadow."""
    xorg = desktop.start_xorg(desktop_two)
    wm = desktop.popen(desktop_two, "DISPLAY=:0 exec twm")
    fill_root(desktop_two)
    client = xterm(desktop_two, "40x10+600+40")
    screens = desktop.x_screens(desktop_two)
    assert len(screens) == 2, screens
    agrees(lab, desktop_two, desktop.x_picture, screens)
    for place in PLACES:
        desktop.in_x(desktop_two, f"xrandr --output Virtual-2 {place}")
        screens = desktop.x_screens(desktop_two)
        assert len(screens) == 2, screens
        desktop.in_x(desktop_two, "xrefresh")
        agrees(lab, desktop_two, desktop.x_picture, screens)
        lab.pictures += [desktop_two.shot(conn=conn) for conn in screens]
    lab.xen.restart_backend("TERM")
    desktop_two.wait_connected(timeout=60)
    agrees(lab, desktop_two, desktop.x_picture, screens)
    desktop.stop(desktop_two, client, wm, xorg)


def flips_refused(guest):
    return int(re.search(r"flips_refused=(\d+)",
                         guest.run("cat /sys/kernel/debug/dri/*/xen").out)[1])


def test_xorg_after_refusals(lab, desktop_one):
    """Two hundred flips that the backend does not show, then nothing is drawn any more:
    the picture comes all the same."""
    xorg = desktop.start_xorg(desktop_one)
    fill_root(desktop_one)
    agrees(lab, desktop_one, desktop.x_picture, {0: (0, 0, 1024, 768)})
    for error in ("EINVAL", "EIO"):
        before = flips_refused(desktop_one)
        draws = desktop.popen(desktop_one, "export DISPLAY=:0; while :; do "
                              "xsetroot -solid white; xsetroot -solid black; done")
        lab.xen.ctl(f"set fail PG_FLIP 200 {error}")
        eventually(lambda: flips_refused(desktop_one) >= before + 196, "200 refusals", 120)
        draws.kill()
        draws.wait(60)
        fill_root(desktop_one)
        agrees(lab, desktop_one, desktop.x_picture, {0: (0, 0, 1024, 768)})
        assert flips_refused(desktop_one) == before + 200
    desktop.stop(desktop_one, xorg)


def test_xorg_follows_the_size(lab, desktop_two):
    """X leaves it to its user, or to a desktop."""
    xorg = desktop.start_xorg(desktop_two)
    fill_root(desktop_two)
    for size in ("800x600", "512x384"):
        lab.xen.run(f"xenstore-write {desktop_two.front()}/1/resolution {size}")
        eventually(lambda: re.search(rf"^Virtual-2 connected.*\n +{size} ",
                                     desktop.in_x(desktop_two, "xrandr").out, re.M),
                   "the new mode")
        desktop.in_x(desktop_two, "xrandr --output Virtual-2 --off")
        desktop.in_x(desktop_two, "xrandr --output Virtual-2 --auto "
                     "--right-of Virtual-1")
        screens = desktop.x_screens(desktop_two)
        assert "%dx%d" % screens[1][2:] == size, screens
        agrees(lab, desktop_two, desktop.x_picture, screens)
    desktop.stop(desktop_two, xorg)
    # The new backend is told of the former mode until X sets another one.
    lab.excuse("exceeds the connector")


@dataclass
class Desk:
    """A server, and a window of that colour. How to take the picture that the server
    believes to show, and what to do first, so that each pixel of it counts."""
    server: Process
    client: Process
    colour: str
    picture: Callable
    prepare: Callable = lambda _guest: None


def weston_with_terminal(guest, card=None):
    weston = desktop.start_weston(guest, card=card)
    return Desk(weston, terminal(guest), desktop.TERMINAL_COLOUR, desktop.weston_picture)


def xorg_with_xterm(guest, card=None):
    xorg = desktop.start_xorg(guest, card=card)
    return Desk(xorg, xterm(guest, "70x24+10+10"), desktop.XTERM_COLOUR, desktop.x_picture,
                fill_root)


@pytest.mark.parametrize("start", [weston_with_terminal, xorg_with_xterm])
def test_second_display_comes_and_goes(lab, desktop_one, start):
    """Below a desktop, which may use it or not, and goes on where it was."""
    desk = start(desktop_one)
    desktop.window(desktop_one, 0.1, desk.colour, desk.client)
    for _ in range(repeated(2, 20)):
        dev = desktop_one.attach_display(("1:640x480",))
        eventually(lambda: desktop_one.run("ls /dev/dri").out.count("card") == 2,
                   "the second card")
        desktop_one.detach_display(dev)
        eventually(lambda: desktop_one.run("ls /dev/dri").out.count("card") == 1,
                   "the second card is gone")
        assert desk.server.rc is None, desk.server.out + desk.server.err
    lab.pictures.append(desktop.window(desktop_one, 0.1, desk.colour, desk.client))
    desk.prepare(desktop_one)
    agrees(lab, desktop_one, desk.picture, {0: (0, 0, 1024, 768)})
    desktop.stop(desktop_one, desk.client, desk.server)


@pytest.fixture
def desktop_three(lab, kernel):
    """With three displays: two for desktops, one for a client that flips."""
    return lab.guest(kernel=kernel, vdispl=(ONE, ONE, ("0:640x480",)), **desktop.GUEST)


def restart_one_or_all(lab, guest, i):
    """Each display by itself, without waiting for it, and now and then all of them."""
    if i % 4 == 3:
        lab.xen.restart_backend(("TERM", "KILL")[i // 4 % 2])
    else:
        lab.xen.ctl(f"reconnect {guest.domid} {i * 7 % 3}", check=False)
    TALLY.restarts += 1
    some_time(i)


@pytest.mark.watchdog(repeated(900, 9000))
def test_storm_of_restarts(lab, desktop_three):
    """Below Weston, X and a client that flips, on displays of their own."""
    cards = [card_and_connectors(desktop_three, dev)[0] for dev in range(3)]
    desks = []
    for dev, start in enumerate((weston_with_terminal, xorg_with_xterm)):
        desk = start(desktop_three, card=cards[dev])
        desktop.window(desktop_three, 0.1, desk.colour, desk.client, dev=dev)
        desk.prepare(desktop_three)
        desks.append(desk)
    number = connection(desktop_three, 2)
    with leaves_nothing(desktop_three), survives(lab, desktop_three, dev=2) as client:
        for i in range(repeated(20, 200)):
            restart_one_or_all(lab, desktop_three, i)
            client.sees_nothing()
        client.goes_on()
    for dev, desk in enumerate(desks):
        assert desk.server.rc is None, desk.server.out + desk.server.err
        agrees(lab, desktop_three, desk.picture, {0: (0, 0, 1024, 768)}, dev=dev)
        lab.pictures.append(desktop_three.shot(dev))
    print(f"{connection(desktop_three, 2) - number} connections were made")
    desktop.stop(desktop_three, *(p for desk in desks for p in (desk.client, desk.server)))
    lab.drop(desktop_three)


WLROOTS = desktop.SESSION + """cat >/tmp/sway.conf <<'END'
xwayland disable
exec sh -e /tmp/run-terminal
END
export WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1
"""
COMPOSITORS = {
    "sway": "exec sway -c /tmp/sway.conf",
    "labwc": "exec labwc -s 'sh -e /tmp/run-terminal'",
    "cage": "exec cage -- sh -e /tmp/run-terminal",
}


@pytest.mark.parametrize("name", COMPOSITORS)
def test_compositor(lab, desktop_one, name):
    """That finds its card by itself."""
    script = (desktop.TERMINAL % "echo hello").replace(
        "WAYLAND_DISPLAY=wl", "WAYLAND_DISPLAY=$WAYLAND_DISPLAY")
    desktop_one.put(script.encode() + b"\n", "/mnt/tmp/run-terminal")
    server = desktop.popen(desktop_one, WLROOTS + COMPOSITORS[name])
    lab.pictures.append(desktop.window(desktop_one, 0.1, desktop.TERMINAL_COLOUR,
                                       server))
    lab.xen.restart_backend("KILL")
    desktop_one.wait_connected(timeout=60)
    lab.pictures.append(desktop.window(desktop_one, 0.1, desktop.TERMINAL_COLOUR,
                                       server))
    desktop.stop(desktop_one, server)
    # They leave their last picture on the screen, by CLOSEFB.
    still_works(lab, desktop_one)


def test_players(lab, desktop_one):
    """That have no path to a card, and no server."""
    player = desktop.popen(desktop_one, "exec mpv --no-config --vo=drm "
                           "--really-quiet av://lavfi:color=c=0x204060:s=512x384:r=5")
    lab.pictures.append(desktop.window(desktop_one, 0.05, "204060", player))
    desktop.stop(desktop_one, player)
    cube = desktop.popen(desktop_one, "exec kmscube -A")
    seen = set()

    def turns():
        r = desktop_one.xen.ctl(f"crc {desktop_one.domid} 0 0", check=False)
        if not r.rc:
            seen.add(r.out)
        return len(seen) > 2 or cube.rc is not None
    eventually(turns, "a cube that turns", timeout=90)
    assert cube.rc is None, cube.out + cube.err
    lab.pictures.append(desktop_one.shot())
    desktop.stop(desktop_one, cube)


def test_drm_info(desktop_one):
    """As all that enumerate cards by libdrm."""
    out = desktop_one.run("chroot /mnt drm_info", timeout=120).out
    assert re.search(r"^Node: /dev/dri/card0$", out, re.M), out
    assert "xendrm-du" in out and "Connector 0" in out, out
