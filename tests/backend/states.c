// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <stddef.h>

#include "states.h"

#define REACT(s) ((struct reaction){ .step = (s) })

/*
 * The deployed backend never looks at "online", knows no Reconfiguring, and
 * takes up rings in both states in which it has none, also right after its own
 * start: then they are those of its predecessor.
 */
struct reaction states_deployed(int be, int fe)
{
	bool bound = be == XenbusStateConnected;

	switch (fe) {
	case XenbusStateInitialising:
		if (bound)
			return REACT(STEP_RETURN);
		return REACT(be == XenbusStateInitialising || be == XenbusStateClosed ?
			     STEP_AWAIT : STEP_NONE);
	case XenbusStateInitialised:
	case XenbusStateConnected:
		return REACT(be == XenbusStateInitialising || be == XenbusStateInitWait ?
			     STEP_BIND : STEP_NONE);
	case XenbusStateClosing:
	case XenbusStateClosed:
		return REACT(bound ? STEP_RETURN : STEP_NONE);
	}
	return REACT(STEP_NONE);
}

static struct reaction strict_ready(int be, int fe)
{
	struct reaction reaction = REACT(STEP_NONE);

	if (be == XenbusStateInitWait) {
		reaction.step = STEP_BIND;
		if (fe == XenbusStateConnected)
			reaction.breach = "frontend went to Connected before the backend did";
	} else if (be == XenbusStateConnected && fe == XenbusStateInitialised) {
		/* It has new rings, and ours are those of its former life. */
		reaction.step = STEP_RETURN;
		reaction.breach = "frontend went to Initialised while the backend is Connected";
	}
	return reaction;
}

struct reaction states_strict(int be, int fe, bool online)
{
	bool bound = be == XenbusStateConnected;

	switch (fe) {
	case XenbusStateInitialising:
		if (bound)
			return REACT(STEP_RETURN);
		return REACT(be != XenbusStateInitWait && online ? STEP_AWAIT : STEP_NONE);
	case XenbusStateInitialised:
	case XenbusStateConnected:
		return strict_ready(be, fe);
	case XenbusStateUnknown:
	case XenbusStateClosing:
	case XenbusStateClosed:
		if (!bound)
			return REACT(STEP_NONE);
		return REACT(online ? STEP_RETURN : STEP_CLOSE);
	case XenbusStateReconfiguring:
		return REACT(bound ? STEP_RELEASE : STEP_NONE);
	}
	return REACT(STEP_NONE);
}
