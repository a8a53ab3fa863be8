# SPDX-License-Identifier: GPL-2.0 OR MIT
"""A plot with logarithmic axes, as SVG."""
from math import log10

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 420, 280, 60, 40, 24


def place(value, low, high, size):
    if high == low:
        return size / 2
    return (log10(value) - log10(low)) / (log10(high) - log10(low)) * size


def plot(title, x_name, y_name, points):
    """points: {x: y}, both above 0."""
    xs, ys = list(points), list(points.values())
    y_low = 10 ** int(log10(min(ys)))
    y_high = 10 ** (int(log10(max(ys))) + 1)
    width, height = WIDTH - LEFT - 16, HEIGHT - BOTTOM - TOP
    marks, text = [], []
    line = []
    for x, y in points.items():
        px = LEFT + place(x, min(xs), max(xs), width)
        py = TOP + height - place(y, y_low, y_high, height)
        line.append(f"{px:.0f},{py:.0f}")
        marks.append(f'<circle cx="{px:.0f}" cy="{py:.0f}" r="3"/>')
        text.append(f'<text x="{px:.0f}" y="{HEIGHT - BOTTOM + 16}" '
                    f'text-anchor="middle">{x}</text>')
    y = y_low
    while y <= y_high:
        py = TOP + height - place(y, y_low, y_high, height)
        text.append(f'<text x="{LEFT - 6}" y="{py + 4:.0f}" '
                    f'text-anchor="end">{y:g}</text>')
        marks.append(f'<path d="M{LEFT} {py:.0f}h{width}" stroke="#ccc"/>')
        y *= 10
    return (f'<g font-family="sans-serif" font-size="11">\n{"".join(marks)}\n'
            f'<polyline points="{" ".join(line)}" fill="none" stroke="black"/>\n'
            f'{"".join(text)}\n'
            f'<text x="{LEFT}" y="14" font-weight="bold">{title}</text>\n'
            f'<text x="{LEFT + width / 2:.0f}" y="{HEIGHT - 6}" '
            f'text-anchor="middle">{x_name}</text>\n'
            f'<text x="{LEFT + width}" y="14" text-anchor="end">{y_name}</text>'
            f'\n</g>\n')


def svg(plots):
    """One below the other."""
    total = HEIGHT * len(plots)
    groups = "".join(f'<g transform="translate(0,{i * HEIGHT})">\n{p}</g>\n'
                     for i, p in enumerate(plots))
    return (f'<!-- SPDX-License-Identifier: GPL-2.0 OR MIT -->\n'
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
            f'height="{total}" viewBox="0 0 {WIDTH} {total}">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{groups}</svg>\n')
