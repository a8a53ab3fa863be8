# SPDX-License-Identifier: GPL-2.0 OR MIT
"""What the lab boots, made from the toolbox's trees and from the checkout.

Everything lands in the cache, keyed by what it is made from: a change of the
driver builds a module, never a tree.
"""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import debugkernel
from making import (ARCHES, BUILD, CACHE, CHECKOUT, HERE, key_of, made,
                    progress, sh)

DOM0_MODULES = """xenfs xen-gntdev xen-evtchn xen-privcmd xen-gntalloc xen-blkback
    xen-netback brd virtio_pci virtio_mmio virtio_blk 9p 9pnet_virtio""".split()
GUEST_MODULES = """drm drm_kms_helper drm_shmem_helper drm_dma_helper
    drm_client_lib drm_xen_front vgem xen-blkfront xen-netfront ext4 crc32c_generic
    virtio_dma_buf
    """.split()
GUEST_PROGRAMS = "kmspaint", "kmsbench", "workload"
XEN_BIN = "usr/lib/xen-4.20/bin/"
DOM0_PROGRAMS = [XEN_BIN + p for p in (
    "xl", "xenstored", "xenconsoled", "xen-init-dom0", "libxl-save-helper",
    "xenstore-control", "lsevtchn", "xen-diag", "xentrace")] + [
    "usr/bin/" + p for p in (
        "xenstore-ls", "xenstore-read", "xenstore-write", "xenstore-rm",
        "xenstore-list", "xenstore-watch", "xenstore-chmod", "strace")]
# Not NEEDED by anything: opened at run time when a thread is cancelled, or
# wanted by the backend, which is not in the image.
DOM0_LIBRARIES = """libgcc_s.so.1 libxenstore.so.4 libxenevtchn.so.1
    libxengnttab.so.1 libpng16.so.16 libz.so.1 libm.so.6""".split()


def has_tree(name):
    return (CACHE / (name + ".key")).exists()


def tree(name):
    """A tree is made outside the toolbox, before we are in it."""
    path = CACHE / name
    if not has_tree(name):
        raise RuntimeError(f"no tree {path}: run tests/lab/toolbox tree {name}")
    return path


def kernels():
    """Full numbers of the suite's kernel and of the newest one."""
    return (CACHE / "toolbox/etc/lab-kernels").read_text().split()


def kernel(arch, short):
    """'6.12', 'new', 'debug' or a full number -> the modules directory's name."""
    if short == "debug":
        return debugkernel.version(arch)
    old, new = kernels()
    full = {"6.12": old, "new": new}.get(short, short)
    for v in kernels():
        if v.startswith(full):
            return f"{v}-{ARCHES[arch]['deb']}"
    raise RuntimeError(f"kernel '{short}' is none of 6.12, new, debug, {old}, "
                       f"{new}")


def kernel_tree(arch, version):
    """Where usr/lib/modules has that kernel."""
    if debugkernel.is_debug(version):
        return debugkernel.root_of(arch)
    return tree(arch)


def kernel_key(arch, version):
    """What the number alone does not tell: Debian's kernels have theirs."""
    if debugkernel.is_debug(version):
        return debugkernel.key(arch)
    return ""


def kernel_headers(arch, version):
    if debugkernel.is_debug(version):
        return debugkernel.root_of(arch) / "build"
    return Path(f"/usr/src/linux-headers-{version}")


def kernel_image(arch, version):
    root = kernel_tree(arch, version)
    for p in (root / f"boot/vmlinuz-{version}",
              root / f"usr/lib/modules/{version}/vmlinuz"):
        if p.exists():
            return p
    raise RuntimeError(f"no image of kernel {version} in {root}")


# --- images -----------------------------------------------------------------

def needed(path):
    out = subprocess.run(["readelf", "-d", path], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True,
                         check=False).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def copy_libraries(root, arch, stage, names):
    """The libraries and all that they need, to the same place in stage."""
    triplet = ARCHES[arch]["triplet"]
    todo, seen = list(names), set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for d in (f"usr/lib/{triplet}", "usr/lib", "usr/lib64"):
            src = root / d / name
            if src.exists():
                break
        else:
            raise RuntimeError(f"library {name} is not in {root}")
        dst = stage / "usr/lib" / triplet / name
        dst.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(src, dst)
        todo += needed(src)


def skeleton(root, arch, stage):
    for d in ("dev", "proc", "sys", "run", "tmp", "etc", "root", "usr/bin",
              "usr/sbin", "usr/lib", "var/log/xen/console", "var/run/xen",
              "var/lib/xen", "mnt"):
        (stage / d).mkdir(parents=True)
    for d in ("bin", "sbin", "lib"):
        (stage / d).symlink_to("usr/" + d)
    shutil.copy(root / "usr/bin/busybox", stage / "usr/bin/busybox")
    loader = {"x86_64": "lib64/ld-linux-x86-64.so.2",
              "aarch64": "lib/ld-linux-aarch64.so.1"}[arch]
    dst = stage / "usr" / loader
    dst.parent.mkdir(exist_ok=True)
    if arch == "x86_64":
        (stage / "lib64").symlink_to("usr/lib64")
    shutil.copy(root / "usr" / loader, dst)
    for name in set(re.findall(r"\b[a-z0-9\[]+\b",
                               (HERE / "busybox-applets").read_text())):
        (stage / "usr/bin" / name).symlink_to("busybox")


def module_list(root, version, names):
    """Paths of the modules and of what they depend on; what is built into the
    kernel or unknown to it is left out."""
    base = root / "usr/lib/modules" / version
    if not (base / "modules.dep").exists():
        sh("depmod", "-b", root / "usr", version)
    deps, by_name = {}, {}
    for line in (base / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        deps[path] = rest.split()
        by_name[Path(path).name.split(".")[0].replace("-", "_")] = path
    wanted = [by_name[n] for n in (n.replace("-", "_") for n in names)
              if n in by_name]
    return sorted({p for w in wanted for p in [w] + deps[w]})


def copy_modules(root, version, stage, names):
    src = root / "usr/lib/modules" / version
    dst = stage / "usr/lib/modules" / version
    for path in module_list(root, version, names):
        to = dst / path
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(src / path, to)
        if to.suffix == ".xz":
            sh("xz", "-d", to)
    for f in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(src / f, dst / f)
    sh("depmod", "-b", stage / "usr", version)


def cpio(stage, out):
    with open(out, "wb") as f:
        subprocess.run("find . | LC_ALL=C sort | cpio -o -H newc --quiet "
                       "-R 0:0 | zstd -q -3", shell=True, cwd=stage, stdout=f,
                       check=True)
        # Archives that follow each other must start at multiples of four.
        f.seek(0, os.SEEK_END)
        f.write(bytes(-f.tell() % 4))


def unpacked_kernel(arch, version):
    """On x86 Xen unpacks a kernel slowly and each time anew: do it once."""
    data = kernel_image(arch, version).read_bytes()
    at = data.find(b"\x28\xb5\x2f\xfd")
    if arch != "x86_64" or at < 0:
        return data
    # What follows the compressed part is not ours to judge: see the result.
    elf = subprocess.run(["zstd", "-dcq"], input=data[at:], check=False,
                         stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL).stdout
    return elf if elf.startswith(b"\x7fELF") else data


MIB = 1 << 20


def boot_disk(arch):
    """The guests' kernels and images, one after the other, as a disk of dom0:
    the shared folder is ten times slower, and a file system is one more module
    to load. Also returns {name: (first MiB, bytes)}."""
    versions = [kernel(arch, k) for k in ("6.12", "new")]
    images = {v: guest_image(arch, v) for v in versions}

    def make(out):
        index, at = {}, 0
        with open(out, "wb") as f:
            for v, image in images.items():
                for name, data in ((f"kernel-{v}", unpacked_kernel(arch, v)),
                                   (f"guest-{v}", image.read_bytes())):
                    index[name] = (at, len(data))
                    f.seek(at * MIB)
                    f.write(data)
                    at += -(-len(data) // MIB)
            f.truncate(at * MIB)
        out.with_name(f"boot-{arch}.json").write_text(json.dumps(index))
    disk = made(BUILD / f"boot-{arch}.img",
                key_of(*(p.with_name(p.name + ".key")
                         for p in images.values())), make)
    return disk, json.loads(disk.with_suffix(".json").read_text())


def boot_files(arch, version):
    """A guest's kernel and image, where they are not on that disk."""
    if not debugkernel.is_debug(version):
        return {}
    return {"kernel": kernel_image(arch, version),
            "guest": guest_image(arch, version)}


def agent(arch):
    def make(out):
        sh(ARCHES[arch]["triplet"] + "-gcc", "-O2", "-Wall", "-Wextra",
           "-Werror", "-static", "-o", out, HERE / "agent.c")
    return made(BUILD / f"agent-{arch}", key_of(HERE / "agent.c"),
                make)


def dom0_image(arch):
    """dom0 as one initramfs; the backend comes to it by the shared folder."""
    root, version = tree(arch), kernel(arch, "6.12")

    def make(out):
        stage = out.with_name(out.name + ".stage")
        shutil.rmtree(stage, ignore_errors=True)
        skeleton(root, arch, stage)
        for p in DOM0_PROGRAMS:
            to = stage / p
            to.parent.mkdir(parents=True, exist_ok=True)
            if (root / p).exists():
                shutil.copy(root / p, to)
                copy_libraries(root, arch, stage, needed(root / p))
        copy_libraries(root, arch, stage, DOM0_LIBRARIES)
        copy_modules(root, version, stage, DOM0_MODULES)
        (stage / "etc/xen/scripts").mkdir(parents=True)
        for script in ("block-lab", "vif-lab"):
            shutil.copy(HERE / script, stage / "etc/xen/scripts" / script)
        shutil.copy(agent(arch), stage / "usr/bin/agent")
        shutil.copy(HERE / "dom0-init", stage / "init")
        cpio(stage, out)
        shutil.rmtree(stage)
    files = [HERE / f for f in ("build.py", "agent.c", "dom0-init",
                                "block-lab", "vif-lab", "busybox-applets")]
    return made(BUILD / f"dom0-{arch}.cpio.zst",
                key_of(version, str(root), *files), make)


def guest_image(arch, version):
    """A guest as one initramfs, without anything of ours but the agent."""
    root = tree(arch)

    def make(out):
        stage = out.with_name(out.name + ".stage")
        shutil.rmtree(stage, ignore_errors=True)
        skeleton(root, arch, stage)
        copy_modules(kernel_tree(arch, version), version, stage,
                     GUEST_MODULES)
        for p in ("usr/bin/modetest",):
            shutil.copy(root / p, stage / p)
            copy_libraries(root, arch, stage, needed(root / p))
        shutil.copy(agent(arch), stage / "usr/bin/agent")
        shutil.copy(HERE / "guest-init", stage / "init")
        cpio(stage, out)
        shutil.rmtree(stage)
    files = [HERE / f for f in ("build.py", "agent.c", "guest-init",
                                "busybox-applets")]
    return made(BUILD / f"guest-{version}.cpio.zst",
                key_of(version, kernel_key(arch, version), str(root), *files),
                make)


# --- ours -------------------------------------------------------------------

def sources():
    files = [*CHECKOUT.glob("*.[ch]"), CHECKOUT / "Kbuild",
             *CHECKOUT.glob("compat/**/*.[ch]")]
    return sorted(f for f in files if f.exists())


def kbuild(arch, version, out, files, *settings):
    """Build what out's Kbuild says, out of the kernel's tree; files are pairs
    of a name there and its source."""
    for name, f in files:
        to = out / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(f, to)
    sh("make", "-j2", "-C", kernel_headers(arch, version), f"M={out}",
       *ARCHES[arch]["make"], *settings, "modules")
    sh(ARCHES[arch]["triplet"] + "-strip", "--strip-debug", *out.glob("*.ko"))


def module(arch, version, cma=False):
    """drm_xen_front.ko for one of the kernels."""
    name = f"module-{version}" + ("-cma" if cma else "")
    files = [(str(f.relative_to(CHECKOUT)), f) for f in sources()]
    settings = ["CONFIG_DRM_XEN_FRONTEND_CMA=y"] if cma else []

    def make(out):
        if not files:
            raise RuntimeError(f"no driver sources in {CHECKOUT}")
        kbuild(arch, version, out, files, *settings)
    d = made(BUILD / name, key_of(version, kernel_key(arch, version), cma,
                                  *files), make)
    return d / "drm_xen_front.ko"


def provoke(arch, version):
    """The module that does wrong what a debug kernel must find."""
    files = [(f.name, f) for f in sorted((HERE / "provoke").iterdir())]
    d = made(BUILD / f"provoke-{version}",
             key_of(version, kernel_key(arch, version), *files),
             lambda out: kbuild(arch, version, out, files))
    return d / "provoke.ko"


def program(what, arch):
    """Everything that `make` of tests/backend or tests/guest leaves."""
    src = CHECKOUT / "tests" / what
    files = sorted([*src.glob("*.[ch]"), src / "Makefile"])

    def make(out):
        out.mkdir(parents=True)
        sh("make", "-j2", "-C", src, f"O={out}",
           f"CC={ARCHES[arch]['triplet']}-gcc")
    return made(BUILD / f"{what}-{arch}", key_of(*files), make)


def desktop_disk(arch="x86_64"):
    """The tree with Weston, and on x86-64 with Xorg and others, as an image for a
    guest's disk."""
    name = "desktop" if arch == "x86_64" else f"desktop-{arch}"
    root = tree(name)

    def make(out):
        out.unlink(missing_ok=True)
        sh("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root,
           out, "1500M")
    return made(BUILD / f"{name}.img",
                key_of(root.with_name(f"{name}.key"), "1500M"), make)


IGT = CHECKOUT / "tests/igt"
IGT_BIN = "usr/libexec/igt-gpu-tools/"


def igt_list():
    """[(tier, "test@subtest" or "test")], in the order of the list."""
    tests, tier = [], None
    for line in (IGT / "xen-front.testlist").read_text().splitlines():
        m = re.match(r"# Tier (\d+)", line)
        if m:
            tier = int(m[1])
        elif line and not line.startswith("#"):
            tests.append((tier, line))
    return tests


def igt_disk():
    """The programs of the list with their libraries, for a guest's disk."""
    root = tree("igt")
    programs = sorted({name.partition("@")[0] for _, name in igt_list()})

    def make(out):
        stage = out.with_name(out.name + ".stage")
        shutil.rmtree(stage, ignore_errors=True)
        skeleton(root, "x86_64", stage)
        (stage / IGT_BIN).mkdir(parents=True)
        for p in programs:
            shutil.copy(root / IGT_BIN / p, stage / IGT_BIN / p)
            copy_libraries(root, "x86_64", stage, needed(root / IGT_BIN / p))
        out.unlink(missing_ok=True)
        sh("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", stage,
           out, "100M")
        shutil.rmtree(stage)
    return made(BUILD / "igt.img",
                key_of(root.with_name("igt.key"), HERE / "build.py",
                       HERE / "busybox-applets", *programs), make)


def guest_overlay(arch, version, cma=False, stock=False):
    """What changes while one develops, as a second archive for a guest."""
    progs = program("guest", arch)
    ko = None if stock else module(arch, version, cma)
    name = f"overlay-{version}" + ("-cma" if cma else "") + (
        "-stock" if stock else "") + ".cpio.zst"

    def make(out):
        stage = out.with_name(out.name + ".stage")
        shutil.rmtree(stage, ignore_errors=True)
        (stage / "usr/bin").mkdir(parents=True)
        for p in GUEST_PROGRAMS:
            shutil.copy(progs / p, stage / "usr/bin" / p)
        if ko:
            shutil.copy(ko, stage / "drm_xen_front.ko")
        cpio(stage, out)
        shutil.rmtree(stage)
    return made(BUILD / name,
                key_of(*(progs / p for p in GUEST_PROGRAMS),
                       *([ko] if ko else [])), make)


def main():
    """make module: for each architecture and kernel."""
    out = CHECKOUT / "out"
    out.mkdir(exist_ok=True)
    for arch in ARCHES:
        for short in ("6.12", "new"):
            version = kernel(arch, short)
            # Debian's amd64 kernels lack the helper of contiguous buffers.
            for cma in (False, True) if arch == "aarch64" else (False,):
                to = out / (f"drm_xen_front-{version}"
                            f"{'-contiguous' if cma else ''}.ko")
                shutil.copy(module(arch, version, cma), to)
                print(to)


if __name__ == "__main__":
    main()
