/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The backend's half of displif.h's state machine. Pure. */
#ifndef STATES_H
#define STATES_H

#include <stdbool.h>

#include "wire.h"

enum step {
	STEP_NONE,
	STEP_AWAIT,	/* InitWait */
	STEP_BIND,	/* take up the rings, then Connected */
	STEP_RETURN,	/* end the connection: Closing, Closed, InitWait */
	STEP_CLOSE,	/* the same, but stay Closed */
	STEP_RELEASE,	/* end the connection, InitWait at once */
};

struct reaction {
	enum step step;
	const char *breach;	/* of the frontend, or NULL */
};

/* What the deployed backend does when the frontend's state has become @fe. */
struct reaction states_deployed(int be, int fe);

/* What a backend does that takes the protocol at its word. */
struct reaction states_strict(int be, int fe, bool online);

#endif
