# SPDX-License-Identifier: GPL-2.0 OR MIT
"""The test picture as a viewer must see it, and what pictures are compared with.

Twin of pattern.c: the same (format, width, height, seed) gives the same picture.
Pictures are bytes, 8-bit R, G, B, without padding.
"""
import struct
import zlib

# Bits of red, green and blue; YUV formats keep all eight bits of a sample.
BITS = {
    "RG16": (5, 6, 5),
    "XR12": (4, 4, 4), "AR12": (4, 4, 4),
    "XR15": (5, 5, 5), "AR15": (5, 5, 5),
    "RG24": (8, 8, 8),
    "XR24": (8, 8, 8), "AR24": (8, 8, 8),
    "XB24": (8, 8, 8), "AB24": (8, 8, 8),
    "XR30": (10, 10, 10), "AR30": (10, 10, 10),
    "YUYV": (8, 8, 8), "UYVY": (8, 8, 8),
}
FORMATS = tuple(BITS)
YUV = ("YUYV", "UYVY")
CORNER = 8
LEFT = ((255, 0, 0), (0, 0, 255))
RIGHT = ((0, 255, 0), (255, 255, 0))


def _noise(seed, kind, n):
    h = (seed * 0x9E3779B1 + kind * 0xC2B2AE35 + n * 0x85EBCA6B) & 0xFFFFFFFF
    h ^= h >> 15
    h = h * 0x2C1B3C6D & 0xFFFFFFFF
    h ^= h >> 12
    h = h * 0x297A2D39 & 0xFFFFFFFF
    return h ^ h >> 15


def _column_term(seed, c, x):
    return (x * (2 * c + 1) >> 2) + (_noise(seed, c, x) & 0x3F) & 0xFF


def _row_term(seed, c, y):
    slope = y * (5 - 2 * c) >> 2
    return slope + (_noise(seed, c + 3, y) & 0x3F) + _noise(seed, c + 6, 0) & 0xFF


def _replicate(value, bits):
    """Widen a component of 4 to 8 bits to 8 bits by repeating its bits."""
    return (value << 8 - bits | value >> 2 * bits - 8) & 0xFF


def _seen(bits):
    """What each painted 8-bit value looks like after a trip through the format."""
    if bits >= 8:
        return bytes(range(256))
    return bytes(_replicate(v >> 8 - bits, bits) for v in range(256))


def _component_rows(c, w, h, seed):
    """Yield one component of each row, eight bits each, as it was painted."""
    column = bytes(_column_term(seed, c, x) for x in range(w))
    n = min(CORNER, w // 4, h // 4)
    for y in range(h):
        term = _row_term(seed, c, y)
        shift = bytes((v + term) & 0xFF for v in range(256))
        row = bytearray(column.translate(shift) if 0 < y < h - 1 else b"\xff" * w)
        row[0] = row[w - 1] = 255
        bottom = y >= h - n
        if y < n or bottom:
            row[:n] = bytes([LEFT[bottom][c]]) * n
            row[w - n:] = bytes([RIGHT[bottom][c]]) * n
        yield row


def _clip8(value):
    return 0 if value < 0 else 255 if value > 255 else value


def yuv_to_rgb(y, u, v):
    """BT.601, limited range, in integers, as the backend converts."""
    c, d, e = 298 * (y - 16) + 128, u - 128, v - 128
    return (_clip8(c + 409 * e >> 8), _clip8(c - 100 * d - 208 * e >> 8),
            _clip8(c + 516 * d >> 8))


def _yuv_row(ys, us, vs):
    rgb = bytearray()
    for x, y in enumerate(ys):
        rgb += bytes(yuv_to_rgb(y, us[x & ~1], vs[x & ~1]))
    return rgb


def expected(fmt, w, h, seed):
    """The picture of the pattern: 3 * w * h bytes."""
    if fmt not in BITS:
        raise ValueError(f"format {fmt!r}, expected one of {', '.join(FORMATS)}")
    rows = zip(*(_component_rows(c, w, h, seed) for c in range(3)))
    if fmt in YUV:
        return b"".join(_yuv_row(*row) for row in rows)
    seen = [_seen(bits) for bits in BITS[fmt]]
    rgb = bytearray(3 * w * h)
    for y, row in enumerate(rows):
        for c in range(3):
            rgb[3 * w * y + c:3 * w * (y + 1):3] = row[c].translate(seen[c])
    return bytes(rgb)


def crop(rgb, w, h, to_w, to_h, x=0, y=0):
    """A part of a picture: what a mode smaller than its framebuffer shows."""
    if x + to_w > w or y + to_h > h:
        raise ValueError(f"cannot crop {w}x{h} to the larger {to_w}x{to_h}+{x}+{y}")
    return b"".join(rgb[3 * (w * row + x):3 * (w * row + x + to_w)]
                    for row in range(y, y + to_h))


def from_xrgb(data, w, h, pitch):
    """The picture that is in memory as XRGB8888 of this pitch, in bytes."""
    rgb = bytearray(3 * w * h)
    for y in range(h):
        line, to = data[y * pitch:y * pitch + 4 * w], 3 * w * y
        for c in range(3):
            rgb[to + c:to + 3 * w:3] = line[2 - c::4]
    return bytes(rgb)


def crc(rgb):
    """The CRC32 of a picture as `xen-displ-be ctl crc` prints it."""
    return f"{zlib.crc32(rgb):08x}"


def compare(want, got, w, h):
    """None if the pictures are equal, else where they first differ, and how much."""
    for name, rgb in (("expected", want), ("got", got)):
        if len(rgb) != 3 * w * h:
            return f"{name} picture has {len(rgb)} bytes, {w}x{h} needs {3 * w * h}"
    if want == got:
        return None
    first, count = None, 0
    for y in range(h):
        line = slice(3 * w * y, 3 * w * (y + 1))
        if want[line] == got[line]:
            continue
        for i in range(line.start, line.stop, 3):
            if want[i:i + 3] != got[i:i + 3]:
                count += 1
                first = i if first is None else first
    y, x = divmod(first // 3, w)
    return (f"first difference at x={x} y={y}: expected #{want[first:first + 3].hex()} "
            f"got #{got[first:first + 3].hex()}, {count} pixels differ")


def write_png(path, w, h, rgb):
    """Write an 8-bit RGB PNG."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    lines = b"".join(b"\0" + rgb[3 * w * y:3 * w * (y + 1)] for y in range(h))
    with open(path, "wb") as png:
        png.write(b"\x89PNG\r\n\x1a\n"
                  + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
                  + chunk(b"IDAT", zlib.compress(lines, 1)) + chunk(b"IEND", b""))


def _paeth(a, b, c):
    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def _unfilter(kind, line, prev, bpp):
    if kind == 1:
        for i in range(bpp, len(line)):
            line[i] = line[i] + line[i - bpp] & 0xFF
    elif kind == 2:
        line[:] = bytes(a + b & 0xFF for a, b in zip(line, prev))
    elif kind == 3:
        for i, up in enumerate(prev):
            left = line[i - bpp] if i >= bpp else 0
            line[i] = line[i] + (left + up >> 1) & 0xFF
    elif kind == 4:
        for i, up in enumerate(prev):
            left, corner = (line[i - bpp], prev[i - bpp]) if i >= bpp else (0, 0)
            line[i] = line[i] + _paeth(left, up, corner) & 0xFF
    elif kind:
        raise ValueError(f"PNG filter {kind}, expected 0 to 4")


def read_png(path):
    """Read an 8-bit RGB or RGBA PNG without interlace: (width, height, rgb)."""
    with open(path, "rb") as png:
        data = png.read()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError(f"{path}: no PNG signature")
    chunks, pos = {}, 8
    while pos + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, pos)
        chunks.setdefault(kind, []).append(data[pos + 8:pos + 8 + size])
        pos += size + 12
    if b"IEND" not in chunks:
        raise ValueError(f"{path}: PNG ends early")
    w, h, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"][0])
    if depth != 8 or colour not in (2, 6) or interlace:
        raise ValueError(f"{path}: depth {depth} colour type {colour} interlace "
                         f"{interlace}, expected 8, 2 or 6, 0")
    bpp = 3 if colour == 2 else 4
    raw = zlib.decompress(b"".join(chunks[b"IDAT"]))
    if len(raw) != h * (w * bpp + 1):
        raise ValueError(f"{path}: {len(raw)} bytes of pixels, "
                         f"expected {h * (w * bpp + 1)} for {w}x{h}")
    rgb, prev = bytearray(), bytearray(w * bpp)
    for y in range(h):
        start = y * (w * bpp + 1)
        line = bytearray(raw[start + 1:start + 1 + w * bpp])
        _unfilter(raw[start], line, prev, bpp)
        prev = line
        if bpp == 4:
            line = bytearray(3 * w)
            for c in range(3):
                line[c::3] = prev[c::4]
        rgb += line
    return w, h, bytes(rgb)
