/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The place of this header before 6.14, where no other one of its name is found. */
#include <drm/drm_client_setup.h>
