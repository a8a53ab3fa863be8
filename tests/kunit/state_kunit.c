// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the bus device does next, for all that can be the case.
 */

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front.h"

/*
 * One letter per state of the backend, from Unknown (0) to Reconfigured (8):
 * - STAY, C CONNECT, E ESTABLISH, L LOSE, R REOPEN, X CLOSE.
 */
struct state_case {
	const char *name;
	enum xenbus_state own;
	/* What follows when the toolstack wants the device, and when it does not. */
	struct {
		const char *idle;
		const char *in_use;
	} online, offline;
};

#define NEVER	"---------"

static const struct state_case state_cases[] = {
	/* Nobody knows it, so nothing can be said of what to do. */
	{ "Unknown", XenbusStateUnknown, { NEVER, NEVER }, { NEVER, NEVER } },

	/* A backend that starts may pass 5 and 6; only offline do they close us. */
	{ "Initialising", XenbusStateInitialising,
	  { "--C------", "--C------" }, { "--C--XX--", "--C--XX--" } },

	/* A frontend is never in this state. */
	{ "InitWait", XenbusStateInitWait, { NEVER, NEVER }, { NEVER, NEVER } },

	/* In InitWait the backend just has not seen our rings. */
	{ "Initialised", XenbusStateInitialised,
	  { "LL--ELLLL", "LL--ELLLL" }, { "LL--ELLLL", "LL--ELLLL" } },

	/* Whatever else it says, it does not know of the connection any more. */
	{ "Connected", XenbusStateConnected,
	  { "LLLL-LLLL", "LLLL-LLLL" }, { "LLLL-LLLL", "LLLL-LLLL" } },

	/* The end, until the device is made anew. */
	{ "Closing", XenbusStateClosing, { NEVER, NEVER }, { NEVER, NEVER } },
	{ "Closed", XenbusStateClosed, { NEVER, NEVER }, { NEVER, NEVER } },

	/* Until the last client goes, unless the backend asks for more. */
	{ "Reconfiguring", XenbusStateReconfiguring,
	  { "RRRRRRRRR", "--C------" }, { "RRRRRXXRR", "--C--XX--" } },

	/* A frontend is never in this state. */
	{ "Reconfigured", XenbusStateReconfigured, { NEVER, NEVER }, { NEVER, NEVER } },
};

KUNIT_ARRAY_PARAM_DESC(state, state_cases, name);

static char step_letter(enum xen_drm_front_step step)
{
	switch (step) {
	case XEN_DRM_FRONT_STAY:
		return '-';
	case XEN_DRM_FRONT_CONNECT:
		return 'C';
	case XEN_DRM_FRONT_ESTABLISH:
		return 'E';
	case XEN_DRM_FRONT_LOSE:
		return 'L';
	case XEN_DRM_FRONT_REOPEN:
		return 'R';
	case XEN_DRM_FRONT_CLOSE:
		return 'X';
	}
	return '?';
}

static void expect_steps(struct kunit *test, bool online, bool in_use,
			 const char *expected)
{
	const struct state_case *c = test->param_value;
	char got[XenbusStateReconfigured + 2] = "";
	unsigned int backend;

	for (backend = 0; backend <= XenbusStateReconfigured; backend++)
		got[backend] = step_letter(xen_drm_front_next_step(c->own, backend, online,
								   false, in_use));

	KUNIT_EXPECT_STREQ_MSG(test, got, expected, "online %d, in use %d", online, in_use);
}

static void steps(struct kunit *test)
{
	const struct state_case *c = test->param_value;

	expect_steps(test, true, false, c->online.idle);
	expect_steps(test, true, true, c->online.in_use);
	expect_steps(test, false, false, c->offline.idle);
	expect_steps(test, false, true, c->offline.in_use);
}

/* A latched connection is thrown away before anything else is thought of. */
static void broken(struct kunit *test)
{
	const struct state_case *c = test->param_value;
	unsigned int backend, i;

	for (backend = 0; backend <= XenbusStateReconfigured; backend++)
		for (i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test,
					xen_drm_front_next_step(c->own, backend, i & 1,
								true, i & 2),
					XEN_DRM_FRONT_LOSE);
}

/* The backend's state is a number that the backend wrote. */
static void no_such_state(struct kunit *test)
{
	static const unsigned int numbers[] = { 9, 4711, INT_MAX, 0x80000000, UINT_MAX };
	const struct state_case *c = test->param_value;
	unsigned int n, i;

	for (n = 0; n < ARRAY_SIZE(numbers); n++)
		for (i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test,
					xen_drm_front_next_step(c->own, numbers[n], i & 1,
								false, i & 2),
					xen_drm_front_next_step(c->own, XenbusStateUnknown,
								i & 1, false, i & 2));
}

static struct kunit_case state_kunit_cases[] = {
	KUNIT_CASE_PARAM(steps, state_gen_params),
	KUNIT_CASE_PARAM(broken, state_gen_params),
	KUNIT_CASE_PARAM(no_such_state, state_gen_params),
	{}
};

static struct kunit_suite state_suite = {
	.name = "xen_drm_front_state",
	.test_cases = state_kunit_cases,
};

kunit_test_suite(state_suite);
