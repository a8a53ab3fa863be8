# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Guests' kernels that check themselves, built from the newest kernel's source
when one is wanted first; debug.config and debug-ARCH.config say what is in
them. Our driver is not: it comes as a module, as for Debian's kernels.
"""
import functools
import os
import subprocess
import time

from making import (ARCHES, CACHE, CHECKOUT, HERE, key_of, locked, progress,
                    sh)

MAKE = {"x86_64": ["ARCH=x86_64"], "aarch64": ARCHES["aarch64"]["make"]}
# What is booted: Xen loads a PV guest from ELF without unpacking anything.
IMAGE = {"x86_64": "vmlinux", "aarch64": "arch/arm64/boot/Image"}
# Else KASAN tells of the first mistake only, pages keep what was in them, and
# the arrays of free objects that a CPU has hide a leak from kmemleak. On x86-64
# the configuration does the last two.
CMDLINE = {"x86_64": "",
           "aarch64": "kasan_multi_shot page_poison=1 slab_debug=F"}
# MB that the checks need beyond what a guest has.
MEMORY = 256


def fragments(arch):
    return [HERE / "debug.config", HERE / f"debug-{arch}.config"]


def source():
    """The kernel's source; the driver in it is of no matter here."""
    tree = CHECKOUT / "tests/static/kernel-tree"
    r = subprocess.run([tree, "--source"], stdout=subprocess.PIPE, text=True,
                       check=True)
    return CACHE / r.stdout.strip()


def configure(arch, src, out):
    """What a fragment asks for must be in the configuration."""
    wanted = "".join(f.read_text() for f in fragments(arch))
    (out / "wanted").write_text(wanted)
    sh("make", "-C", src, f"O={out}", *MAKE[arch],
       f"KCONFIG_ALLCONFIG={out}/wanted", "allnoconfig")
    got = set((out / ".config").read_text().splitlines())
    missing = [line for line in wanted.splitlines()
               if line.startswith("CONFIG_") and line not in got]
    if missing:
        raise RuntimeError(f"the kernel for {arch} does not take "
                           f"{' '.join(missing)}")


def compile_all(arch, src, out):
    """make, with a word now and then of how far it is."""
    log, done, said = [], 0, time.monotonic()
    argv = ["nice", "make", f"-j{os.cpu_count()}", "-C", src, f"O={out}",
            *MAKE[arch], os.path.basename(IMAGE[arch]), "modules"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT) as make:
        for line in make.stdout:
            log.append(line)
            done += line.startswith("  CC ")
            if time.monotonic() - said > 60:
                said = time.monotonic()
                progress(f"debug kernel for {arch}: {done} files compiled")
    if make.returncode:
        raise RuntimeError(f"make of the debug kernel for {arch}: exit "
                           f"{make.returncode}\n{''.join(log[-60:])}")


def install(arch, src, out, root):
    """As a tree of Debian's has it, so that nothing else has to know."""
    sh("rm", "-rf", root / "usr")
    sh("make", "-C", src, f"O={out}", *MAKE[arch],
       f"INSTALL_MOD_PATH={root}/usr", "INSTALL_MOD_STRIP=1",
       "modules_install")
    image = version_dir(root) / "vmlinuz"
    if IMAGE[arch] == "vmlinux":
        sh(ARCHES[arch]["triplet"] + "-strip", "-o", image, out / "vmlinux")
    else:
        sh("cp", out / IMAGE[arch], image)


def version_dir(root):
    (found,) = (root / "usr/lib/modules").iterdir()
    return found


@functools.cache
def root_of(arch):
    """The tree with the kernel, made if need be. Its path stays the same all
    the time, since it is in the files that building a module needs."""
    root = CACHE / f"debug-{arch}"
    stamp = root.with_name(root.name + ".key")
    with locked(root.name):
        src = source()
        key = key_of(src.with_name(src.name + ".key"), *fragments(arch))
        if stamp.exists() and stamp.read_text() == key:
            return root
        stamp.unlink(missing_ok=True)
        out = root / "build"
        out.mkdir(parents=True, exist_ok=True)
        progress(f"building the debug kernel for {arch} in {root}, about 5 "
                 "minutes")
        start = time.monotonic()
        configure(arch, src, out)
        compile_all(arch, src, out)
        install(arch, src, out, root)
        stamp.write_text(key)
        progress(f"made {root.name} in {time.monotonic() - start:.0f} s")
    return root


def key(arch):
    return root_of(arch).with_name(f"debug-{arch}.key").read_text()


def version(arch):
    return version_dir(root_of(arch)).name


def is_debug(name):
    return "-debug-" in name
