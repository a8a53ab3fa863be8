/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The version of a module that was built out of tree, as dkms.conf has it. A module
 * of the kernel tree has the version of its kernel.
 */

#include <linux/module.h>

MODULE_VERSION("1.0");
