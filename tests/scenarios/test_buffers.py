# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Buffers: the three modes, PRIME, what must be refused, and running out."""
import pytest

from scenario import ends, eventually, paints, shows, still_works

ALL_OF_IT = pytest.mark.on("x86_64-6.12", "aarch64-new")


def all_kinds_of_pictures(lab, guest):
    for fmt, api in (("XR24", ""), ("RG16", "--atomic"), ("RG24", "")):
        p = paints(guest, f"--seed 1 --flips 2 --format {fmt} {api}")
        shows(lab, guest, fmt, seed=3)
        ends(p)
    p = paints(guest, "--seed 3 --fb 1100x800 --dumb 1280x900")
    shows(lab, guest, seed=3, fb=(1100, 800))
    ends(p)


@pytest.mark.on("aarch64-6.12", "aarch64-new")
def test_contiguous(lab, kernel):
    """All buffers come from the guest's contiguous memory. Debian's kernels
    for amd64 have no DRM helper for it, so arm64 shows it."""
    g = lab.guest(kernel=kernel, cma=True, cmdline="cma=64M")
    two = 2 * 1024 * 768 * 4 // 1024
    free = cma_free(g)
    held = []
    for _ in range(4):
        p = paints(g, "--seed 4 --flips 2")
        held.append(cma_free(g))
        shows(lab, g, seed=6)
        ends(p)
    assert free - held[0] >= two, f"{free} kB free, {held[0]} kB with two buffers"
    # Freed pages may stay in a CPU's own list, uncounted, but not pile up.
    assert held[0] - held[-1] < two, f"free with two buffers, each time: {held} kB"
    all_kinds_of_pictures(lab, g)


def cma_free(guest):
    return int(guest.run("awk '/CmaFree/ {print $2}' /proc/meminfo").out)


@ALL_OF_IT
def test_backend_allocated(lab, kernel):
    """The backend's pages, mapped by the guest; needs a guest whose memory is
    translated, so not a PV one."""
    g = lab.guest(kernel=kernel, be_alloc=1)
    all_kinds_of_pictures(lab, g)
    g.run("kmspaint churn 20 640x480 32")


def refused(lab, guest, words):
    """The driver must say why in the guest's log and in XenStore."""
    eventually(lambda: all(w in guest.log() for w in words),
               f"{words} in the guest's log")
    error = lab.xen.run("xenstore-read /local/domain/"
                        f"{guest.domid}/error/device/vdispl/0/error").out
    assert all(w in error for w in words), error
    assert guest.run("kmspaint info", check=False).rc == 1


@pytest.mark.on("x86_64-6.12")
def test_backend_allocated_in_pv_is_refused(lab, kernel):
    g = lab.guest(kernel=kernel, be_alloc=1, kind="pv", connects=False)
    refused(lab, g, ["be-alloc=0", "PV guest"])


@pytest.mark.on("aarch64-new")
def test_contiguous_and_backend_allocated_is_refused(lab, kernel):
    g = lab.guest(kernel=kernel, be_alloc=1, cma=True, connects=False)
    refused(lab, g, ["be-alloc=0", "CONFIG_DRM_XEN_FRONTEND_CMA"])


@pytest.mark.parametrize("what", ["badfb", "prime-bad", "prime-export"])
def test_client_checks(guest, what):
    """Cases that the client itself judges, one per line of its output."""
    if "prime" in what:
        guest.run("modprobe vgem")
    r = guest.run(f"kmspaint {what}", timeout=120, check=False)
    assert r.rc == 0, r.out + r.err


def imports(lab, guest, source):
    p = guest.popen(f"kmspaint prime-import --from {source} --seed 9 --hold")
    p.expect("shown")
    shows(lab, guest, seed=9)
    ends(p)


def test_prime_import_of_udmabuf(lab, guest):
    imports(lab, guest, "udmabuf")


@pytest.mark.on("aarch64-6.12", "aarch64-new")
def test_prime_import_of_vgem(lab, guest):
    """Not in an x86 PV guest: vgem's own mapping, which is write-combined,
    faults there for ever, before any other driver has seen the buffer."""
    guest.run("modprobe vgem")
    imports(lab, guest, "vgem")


@ALL_OF_IT
def test_churn(guest):
    guest.run("kmspaint churn 60 1024x768 32", timeout=180)


def pages_allocated(guest):
    """0 on debug kernels, which do not count them."""
    return int(guest.run("awk '/^pgalloc_/ {n += $2} END {print n + 0}' "
                         "/proc/vmstat").out)


@ALL_OF_IT
def test_larger_than_memory(lab, guest):
    """A buffer that the grant table could hold, but the guest could not: refused
    before it has taken what others need."""
    before = pages_allocated(guest)
    r = guest.run("kmspaint churn 1 16384x12288 32", timeout=120, check=False)
    taken = pages_allocated(guest) - before
    assert r.rc and "ENOMEM" in r.out + r.err, r.out + r.err
    assert taken < 16384, f"{taken} pages were allocated for an error"
    still_works(lab, guest)


@ALL_OF_IT
def test_grants_run_out(lab, kernel):
    """The client gets an error, nothing leaks, the rest goes on."""
    g = lab.guest(kernel=kernel, extra="max_grant_frames=8")
    r = g.run("kmspaint exhaust 640x480", timeout=180, check=False)
    assert r.rc == 0, r.out + r.err
    assert "ENOSPC" in r.out or "ENOMEM" in r.out, r.out
    p = paints(g, "--seed 12 --flips 1")
    shows(lab, g, seed=13)
    ends(p)
