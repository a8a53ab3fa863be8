/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The backend's half of displif.h's state machine. Pure. */
#ifndef STATES_H
#define STATES_H

#include "wire.h"

enum step {
	STEP_NONE,
	STEP_AWAIT,	/* InitWait */
	STEP_BIND,	/* take up the rings, then Connected */
	STEP_RETURN,	/* end the connection: Closing, Closed, InitWait */
};

/* What the deployed backend does when the frontend's state has become @fe. */
enum step states_step(int be, int fe);

#endif
