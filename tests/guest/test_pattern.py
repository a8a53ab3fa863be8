# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The pattern that kmspaint paints is the picture that pattern.py expects."""
import os
import pathlib
import subprocess

import pytest

import pattern

HERE = pathlib.Path(__file__).parent
SIZES = [(64, 48), (63, 9), (1, 1), (2, 3), (255, 31)]

# Byte order and place of red, green and blue in the little-endian pixel,
# written down a second time so that a slip in pattern.c's table is seen.
SHIFTS = {
    "RG16": (11, 5, 0), "XR12": (8, 4, 0), "AR12": (8, 4, 0), "XR15": (10, 5, 0),
    "AR15": (10, 5, 0), "RG24": (16, 8, 0), "XR24": (16, 8, 0), "AR24": (16, 8, 0),
    "XB24": (0, 8, 16), "AB24": (0, 8, 16), "XR30": (20, 10, 0), "AR30": (20, 10, 0),
}
LUMA_U_V = {"YUYV": (0, 1, 3), "UYVY": (1, 0, 2)}


def bytes_per_pixel(fmt):
    return {"RG24": 3}.get(fmt, 2 if fmt in pattern.YUV or fmt[2:] in ("16", "12", "15")
                           else 4)


def widen(value, bits):
    if bits > 8:
        return value >> bits - 8
    text = format(value, f"0{bits}b") * 2
    return int(text[:8], 2)


def rgb_of(fmt, raw, w, h):
    """The picture in a buffer, pixel by pixel, as a viewer decodes it."""
    cpp = bytes_per_pixel(fmt)
    pitch = 4 * ((w * cpp * 8 + 31) // 32)
    assert len(raw) == pitch * h
    rgb = bytearray()
    for y in range(h):
        for x in range(w):
            if fmt in LUMA_U_V:
                luma, u, v = LUMA_U_V[fmt]
                pair = y * pitch + 4 * (x // 2)
                rgb += bytes(pattern.yuv_to_rgb(raw[pair + luma + 2 * (x % 2)],
                                                raw[pair + u], raw[pair + v]))
                continue
            at = y * pitch + cpp * x
            pixel = int.from_bytes(raw[at:at + cpp], "little")
            for shift, bits in zip(SHIFTS[fmt], pattern.BITS[fmt]):
                rgb.append(widen(pixel >> shift & (1 << bits) - 1, bits))
    return bytes(rgb)


@pytest.fixture(scope="session")
def kmspaint(tmp_path_factory):
    """The program to test: $KMSPAINT, or one built here."""
    if os.environ.get("KMSPAINT"):
        return os.environ["KMSPAINT"]
    out = tmp_path_factory.mktemp("guest")
    subprocess.run(["make", "-s", "-C", HERE, f"O={out}", f"{out}/kmspaint"], check=True)
    return out / "kmspaint"


def paint(program, fmt, w, h, seed):
    words = [program, "pattern", fmt, str(w), str(h), str(seed)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout


@pytest.mark.parametrize("fmt", pattern.FORMATS)
@pytest.mark.parametrize("w,h", SIZES)
def test_twins_agree(kmspaint, fmt, w, h):
    seed = 7 * w + h
    got = rgb_of(fmt, paint(kmspaint, fmt, w, h, seed), w, h)
    assert pattern.compare(pattern.expected(fmt, w, h, seed), got, w, h) is None


def test_large_seed_and_size(kmspaint):
    seed = 0xFFFFFFFE
    got = rgb_of("XR24", paint(kmspaint, "XR24", 1030, 260, seed), 1030, 260)
    assert pattern.compare(pattern.expected("XR24", 1030, 260, seed), got, 1030, 260) is None


@pytest.mark.parametrize("fmt", pattern.FORMATS)
def test_faults_change_most_pixels(fmt):
    """Another seed, a shift by a row or a column, swapped channels: all are seen."""
    w, h = 96, 64
    rgb = pattern.expected(fmt, w, h, 1)
    swapped = bytearray(rgb)
    swapped[0::3], swapped[2::3] = rgb[2::3], rgb[0::3]
    faults = {
        "stale": pattern.expected(fmt, w, h, 2),
        "row": rgb[3 * w:] + rgb[:3 * w],
        "column": rgb[3:] + rgb[:3],
        "two columns": rgb[6:] + rgb[:6],
        "swapped": bytes(swapped),
    }
    for name, got in faults.items():
        text = pattern.compare(rgb, got, w, h)
        assert text, name
        differing = int(text.rsplit(", ", 1)[1].split()[0])
        assert differing > w * h * 0.6, f"{name}: {text}"


def test_compare_names_a_single_pixel():
    w, h = 40, 30
    rgb = bytearray(pattern.expected("XR24", w, h, 3))
    at = 3 * (17 * w + 5)
    want = rgb[at:at + 3].hex()
    rgb[at + 1] ^= 1
    text = pattern.compare(pattern.expected("XR24", w, h, 3), bytes(rgb), w, h)
    assert text == (f"first difference at x=5 y=17: expected #{want} "
                    f"got #{rgb[at:at + 3].hex()}, 1 pixels differ")


def test_compare_refuses_a_wrong_size():
    rgb = pattern.expected("XR24", 8, 8, 1)
    assert "got picture has 189 bytes" in pattern.compare(rgb, rgb[:-3], 8, 8)


def test_png_round_trip(tmp_path):
    rgb = pattern.expected("XR24", 33, 21, 4)
    pattern.write_png(tmp_path / "a.png", 33, 21, rgb)
    assert pattern.read_png(tmp_path / "a.png") == (33, 21, rgb)


def test_crop_is_what_a_smaller_mode_shows():
    rgb = pattern.expected("XR24", 20, 10, 1)
    small = pattern.crop(rgb, 20, 10, 16, 4)
    assert len(small) == 3 * 16 * 4
    assert small[3 * 16:3 * 32] == rgb[3 * 20:3 * 36]
