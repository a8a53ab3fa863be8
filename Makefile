# SPDX-License-Identifier: GPL-2.0 OR MIT
# For users and developers; the kernel's build system reads Kbuild instead.

SHELL := /bin/bash
export IGT LIVE LONG STOCK VNC_PORT

help:
	@echo 'make demo           Weston on two screens of a Xen guest -> out/demo.png'
	@echo 'make demo LIVE=1    the same, kept up, to be looked at by VNC on loopback'
	@echo 'make check          all of these but check-debug and -bench; or one:'
	@echo '  check-static      checkpatch, sparse, W=1, kernel-doc, shellcheck, builds'
	@echo '  check-state       the state machine in every order of events, 12 deep'
	@echo '  check-kunit       what needs no Xen'
	@echo '  check-fuzz        rings, events, directories, XenStore against random input'
	@echo '  check-lab         scenarios on a real Xen; LAB=-k WORDS chooses some'
	@echo '  check-clients     Weston, X, consoles on a real Xen; LONG=1: sway, mpv, more'
	@echo '  check-hostile     a backend that attacks; LONG=1: each of its attacks'
	@echo '  check-igt         IGT GPU Tools: their core; LONG=1: whole list, two kernels;'
	@echo '                    STOCK=1: with the kernel'"'"'s own driver; IGT=-k REGEX chooses'
	@echo '  check-survive     backends that restart, sleep, vanish; saves; LONG=1: often'
	@echo '  check-debug       all scenarios on debug kernels (KASAN, lockdep, kmemleak)'
	@echo '  check-bench       speed against the kernel'"'"'s own driver, in short'
	@echo 'make bench          our module against the kernel'"'"'s own, and the limit'
	@echo 'make bench-hostile  attacks on our module, and on the kernel'"'"'s own'
	@echo 'make bench-survive  backends that do not stay, on both'
	@echo 'make module         the module for Debian'"'"'s kernels, x86_64 and arm64 -> out/'
	@echo 'make doc            the pages, with the comments of the sources -> out/doc/'
	@echo 'make in-tree KERNEL=DIR    the driver, its tests and pages into a kernel tree'
	@echo 'make clean          remove out/; the cache is ~/.cache/xen-drm-front'
	@echo 'All need root (trees are made by mmdebstrap, entered by chroot).'

demo:
	@tests/lab/trees toolbox x86_64 desktop
	@tests/lab/toolbox run python3 tests/lab/demo.py

check:
	@tests/check state kunit static fuzz lab clients igt survive hostile

check-static check-state check-kunit check-fuzz check-lab check-clients check-igt \
	check-hostile check-survive check-debug check-bench:
	@tests/check $(@:check-%=%)

bench:
	@tests/bench/run

bench-hostile:
	@tests/bench/run hostile

bench-survive:
	@tests/bench/run survive

module:
	@tests/lab/trees toolbox
	@tests/lab/toolbox run python3 tests/lab/build.py

doc:
	@tests/static/doc

in-tree:
	@tests/static/in-tree $(KERNEL)

clean:
	rm -rf out

.PHONY: help demo check check-static check-state check-kunit check-fuzz check-lab \
	check-clients check-igt check-hostile check-survive check-debug check-bench bench \
	bench-hostile bench-survive module doc in-tree clean
.DEFAULT_GOAL := help
