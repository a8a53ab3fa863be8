// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The devices that libdrm finds, by their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xf86drm.h>

#define MAX_DEVICES 16

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const drmDevicePtr *)a)->businfo.platform->fullname,
		      (*(const drmDevicePtr *)b)->businfo.platform->fullname);
}

int main(void)
{
	drmDevicePtr devices[MAX_DEVICES];
	int i, count = drmGetDevices2(0, devices, MAX_DEVICES);

	for (i = 0; i < count; i++)
		if (devices[i]->bustype != DRM_BUS_PLATFORM)
			return 1;
	qsort(devices, count > 0 ? count : 0, sizeof(*devices), by_name);
	for (i = 0; i < count; i++)
		printf("%splatform %s", i ? ", " : "", devices[i]->businfo.platform->fullname);
	return count < 0;
}
