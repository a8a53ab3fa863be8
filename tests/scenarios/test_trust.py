# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Who trusts whom: the driver's parameter and the toolstack's node."""
import pytest

from attacked import VDISPL, debugfs, recovers
from scenario import eventually

pytestmark = [pytest.mark.on("x86_64-6.12", "aarch64-new")]

PARAMETER = "the module's parameter trusted=0"
NODE = "the device's node trusted=0"
# Parameter, node (None: there is none), and who says that it is not.
SETTINGS = [("", None, None), ("", "1", None), ("trusted=1", "1", None),
            ("trusted=0", None, PARAMETER), ("trusted=0", "1", PARAMETER),
            ("", "0", NODE), ("", "2", NODE), ("", "yes", NODE)]


@pytest.fixture
def host(lab, kernel):
    """A guest whose driver is not loaded yet."""
    g = lab.guest(kernel=kernel, driver=False, vdispl=VDISPL)
    g.put(g.module(), "/drm_xen_front.ko")
    yield g
    lab.drop(g)


def set_up(lab, guest, parameter, node, be_alloc=0):
    path = f"{guest.front()}/trusted"
    lab.xen.run(f"xenstore-rm {path} 2>/dev/null; true" if node is None else
                f"xenstore-write {path} '{node}'")
    lab.xen.run(f"xenstore-write {guest.front()}/be-alloc {be_alloc}; xenstore-rm "
                f"/local/domain/{guest.domid}/error/device/vdispl 2>/dev/null; true")
    guest.load(parameter)


def error_node(lab, guest):
    return lab.xen.run(f"xenstore-read /local/domain/{guest.domid}/error/device/"
                       "vdispl/0/error", check=False).out


def test_what_each_setting_means(lab, host):
    for parameter, node, _ in SETTINGS[:1] + SETTINGS[3:4] + SETTINGS[5:6]:
        set_up(lab, host, parameter, node)
        host.wait_connected()
        r = host.run("kmspaint prime-import --from udmabuf --seed 9",
                     check=False)
        if debugfs(host)["trusted"] == "1":
            assert r.rc == 0, r.out + r.err
        else:
            assert r.rc and "EPERM" in r.err, r.out + r.err
        recovers(lab, host)
        host.unload()


def test_untrusted_backend_may_not_allocate(lab, host):
    for parameter, node, who in SETTINGS:
        if not who and lab.arch == "x86_64":
            # A PV guest refuses it for another reason.
            continue
        start = host.log_size()
        set_up(lab, host, parameter, node, be_alloc=1)
        if not who:
            host.wait_connected()
            assert debugfs(host)["trusted"] == "1"
            recovers(lab, host)
            host.unload()
            continue
        eventually(lambda s=start, w=who: w in host.log(s),
                   f"'{who}' in the log, for {parameter} and node {node}")
        error = error_node(lab, host)
        assert "be-alloc=0" in error and who in error, error
        assert host.states()[0] == 6, host.states()
        assert host.run("kmspaint info", check=False).rc == 1
        host.unload()
