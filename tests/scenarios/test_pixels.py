# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What a client paints is what the viewer sees, to the last bit."""
import pattern
import pytest

from scenario import ends, expected, paints, shows

# The others differ in the kernel or the processor only.
ALL_OF_IT = pytest.mark.on("x86_64-6.12", "aarch64-new")


@pytest.mark.parametrize("api", ["", "--atomic"], ids=["legacy", "atomic"])
def test_modeset_and_flips(lab, guest, api):
    p = paints(guest, f"--seed 1 --flips 3 {api}")
    shows(lab, guest, seed=4)
    ends(p)


def test_each_format(lab, guest):
    for fmt in pattern.FORMATS:
        p = paints(guest, f"--seed 7 --flips 1 --format {fmt}")
        shows(lab, guest, fmt, seed=8)
        ends(p)


@ALL_OF_IT
def test_framebuffer_larger_than_mode(lab, guest):
    p = paints(guest, "--seed 3 --fb 1100x800 --dumb 1280x900")
    shows(lab, guest, seed=3, fb=(1100, 800))
    ends(p)


# What a framebuffer may be beside its buffer: the format, what kmspaint is told, and
# size and place of the picture in the framebuffer. The first four are views where
# the protocol can say so, the others are shadows.
WAYS = {
    "wider-pitch": ("XR24", "--dumb 1100x800 --pitch 4100", None, (0, 0)),
    "pitch-of-less-than-a-pixel": ("RG16", "--dumb 1100x800 --pitch 2052", None, (0, 0)),
    "offset": ("XR24", "--dumb 1024x800 --offset 8192", None, (0, 0)),
    "two-in-one-buffer": ("XR24", "--dumb 1024x1540 --one-buffer", None, (0, 0)),
    "part-of-a-pitch": ("RG24", "--dumb 1100x800 --pitch 3076", None, (0, 0)),
    "panned": ("XR24", "--fb 1100x800 --src 52x16", (1100, 800), (52, 16)),
    "panned-atomic": ("AR24", "--fb 1100x800 --src 76x32 --atomic", (1100, 800), (76, 32)),
    "panned-pairs": ("YUYV", "--fb 1100x800 --src 52x16", (1100, 800), (52, 16)),
}


def goes_each_way(lab, guest):
    """The picture is there when it is set, flipped to, and flipped to again."""
    for name, (fmt, options, fb, at) in WAYS.items():
        print(name)
        p = paints(guest, f"--seed 7 --format {fmt} {options}")
        shows(lab, guest, fmt, seed=7, fb=fb, at=at)
        for seed in (8, 9, 10):
            p.write("flip\n")
            p.expect(f"seed={seed}")
            shows(lab, guest, fmt, seed=seed, fb=fb, at=at)
        ends(p)


@ALL_OF_IT
@pytest.mark.parametrize("kind", [{}, {"be_alloc": 1}], ids=["system", "backend"])
def test_pitch_offset_and_panning(lab, kernel, kind):
    goes_each_way(lab, lab.guest(kernel=kernel, **kind))


@pytest.mark.on("aarch64-new")
def test_pitch_offset_and_panning_contiguous(lab, kernel):
    goes_each_way(lab, lab.guest(kernel=kernel, cma=True, cmdline="cma=64M"))


def test_front_buffer_drawing_is_seen(lab, guest):
    """DIRTYFB alone must bring what was drawn to the viewer, as X needs it."""
    p = guest.popen("kmspaint front --seed 20 --dirty --hold")
    p.expect("shown")
    want = pattern.crc(expected("XR24", 1024, 768, 21))
    lab.xen.ctl(f"wait-shown {guest.domid} 0 0 {want} 10", check=False)
    shows(lab, guest, seed=21)
    ends(p)


@ALL_OF_IT
@pytest.mark.parametrize("heads", [2, 6])
@pytest.mark.parametrize("api", ["", "--atomic"], ids=["legacy", "atomic"])
def test_connectors_at_once(lab, kernel, heads, api):
    sizes = [(640, 480), (800, 600), (400, 300), (320, 240), (1024, 768),
             (333, 222)][:heads]
    ids = tuple(f"head-{i}:{w}x{h}" for i, (w, h) in enumerate(sizes))
    g = lab.guest(kernel=kernel, vdispl=(ids,))
    p = paints(g, f"--connector all --seed 5 --flips 4 {api}", "connector="
               f"{heads - 1}")
    for i, size in enumerate(sizes):
        shows(lab, g, size=size, seed=9, conn=i)
    ends(p)


@ALL_OF_IT
def test_uhd(lab, kernel):
    g = lab.guest(kernel=kernel, vdispl=(("uhd:3840x2160",),), memory=768)
    p = paints(g, "--seed 2 --flips 1", timeout=120)
    shows(lab, g, size=(3840, 2160), seed=3)
    ends(p)
