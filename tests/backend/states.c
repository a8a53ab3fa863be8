// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <stdbool.h>

#include "states.h"

/*
 * The deployed backend never looks at "online", knows no Reconfiguring, and
 * takes up rings in both states in which it has none, also right after its own
 * start: then they are those of its predecessor.
 */
enum step states_step(int be, int fe)
{
	bool bound = be == XenbusStateConnected;

	switch (fe) {
	case XenbusStateInitialising:
		if (bound)
			return STEP_RETURN;
		return be == XenbusStateInitialising || be == XenbusStateClosed ?
		       STEP_AWAIT : STEP_NONE;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		return be == XenbusStateInitialising || be == XenbusStateInitWait ?
		       STEP_BIND : STEP_NONE;
	case XenbusStateClosing:
	case XenbusStateClosed:
		return bound ? STEP_RETURN : STEP_NONE;
	}
	return STEP_NONE;
}
