# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What a flip costs with more heads and more buffers, and a buffer with more
pages, in a guest with four virtual CPUs."""
import table as t

HEADS = (1, 2, 8, 32)
BUFFERS = (1, 10, 100, 1000)
SIZES = ("64x64", "640x480", "1920x1080", "3840x2160", "7680x4320")
CARD = "/dev/dri/$(basename /sys/bus/xen/devices/vdispl-0/*/drm/card*)"
# What a thing may cost more where there are more of it.
FLAT = 1.5


def pages(size):
    w, h = map(int, size.split("x"))
    return -(-w * h * 4 // 4096)


class Scale:
    HEAD = ["", "us of the guest", "per second", "switches", "device irqs",
            "IPIs"]

    def __init__(self, xen, args, meter):
        self.xen, self.args = xen, args
        self.guest = xen.guest(
            kernel=args.kernel, kind="pv", memory=2048, vcpus=4,
            extra="max_grant_frames=128",
            vdispl=([f"c{i}:320x240" for i in range(max(HEADS))],))
        self.guest.wait_connected()
        self.guest.put(meter, "/bench_meter.ko")
        self.guest.run("insmod /bench_meter.ko")
        self.flips, self.buffers, self.sizes = {}, {}, {}

    def command(self, command):
        r = self.guest.run(f"kmsbench --card {CARD} {command}", timeout=300)
        pairs = (line.split("=") for line in r.out.splitlines() if "=" in line)
        return {key: float(value) for key, value in pairs}

    def run(self):
        self.xen.ctl("pace immediate")
        n = self.args.frames
        for heads in HEADS:
            self.flips[heads] = self.command(f"flips {n} heads={heads}")
        for buffers in BUFFERS:
            self.buffers[buffers] = self.command(f"flips {n} buffers={buffers}")
        for size in SIZES:
            self.sizes[size] = self.command(f"dumb {size} {self.args.count}")
        self.guest.destroy()

    @staticmethod
    def line(name, figures, key):
        rate = figures.get("flips_per_second")
        return [name, t.show(figures[f"{key}_run_ns"] / 1e3),
                t.show(rate) if rate else "-",
                *(f"{figures[f'{key}_{c}']:.2f}"
                  for c in ("switches", "device_irqs", "ipis"))]

    def lines(self):
        for heads, figures in self.flips.items():
            yield self.line(f"flip, {heads} heads", figures, "flip")
        for buffers, figures in self.buffers.items():
            yield self.line(f"flip, {buffers} other buffers", figures, "flip")
        for size, figures in self.sizes.items():
            yield self.line(f"buffer, {size}, {pages(size)} pages", figures,
                            "create_addfb_rmfb_destroy")

    def failures(self):
        for name, series in (("heads", self.flips), ("buffers", self.buffers)):
            costs = [f["flip_run_ns"] for f in series.values()]
            if costs[-1] > FLAT * costs[0]:
                yield (f"scale: a flip costs {costs[-1] / 1e3:.0f} us with "
                       f"{list(series)[-1]} {name}, {costs[0] / 1e3:.0f} us with "
                       f"{list(series)[0]}")
        each = {s: f["create_addfb_rmfb_destroy_run_ns"] / pages(s)
                for s, f in self.sizes.items() if pages(s) > 1000}
        if max(each.values()) > FLAT * min(each.values()):
            yield "scale: a buffer's cost is not linear in its pages: " + ", ".join(
                f"{s} {ns:.0f} ns a page" for s, ns in each.items())

    def report(self):
        return (f"Scale. Guest: Linux {self.guest.version}, PV, 4 CPUs; ours.\n\n"
                + t.text(self.HEAD, self.lines()) + "\n")

    def as_json(self):
        return {"scale": self.guest.version, "flips": self.flips,
                "buffers": self.buffers, "sizes": self.sizes}
