// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the bus device does next, for all that can be the case. The order of events
 * is the matter of tests/state.
 */

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front_state.h"

#define NUM_STATES	(XenbusStateReconfigured + 1)

/*
 * A letter for each state of the backend, from Unknown (0) to Reconfigured (8):
 * - IDLE, C CONNECT, then Initialised, J JOIN, then Connected,
 * L LEAVE, then Initialising, X CLOSE, then Closed, i IDLE, then Initialising,
 * c IDLE, then Closed.
 */
struct state_case {
	const char *name;
	enum xenbus_state own;
	const char *alone;
	const char *offline;
	const char *connected;
	const char *joined;
	const char *joined_offline;
};

#define IDLE	"---------"
#define BEGIN	"iiiiiiiii"
#define LEAVE	"LLLLLLLLL"

static const struct state_case state_cases[] = {
	/* A frontend is never in this state, nor in others that look so. */
	{ "Unknown", XenbusStateUnknown, BEGIN, "XiiiiXXii", LEAVE, LEAVE, "XLLLLXXLL" },

	/* A backend that starts may pass 5 and 6; only offline do they close us. */
	{ "Initialising", XenbusStateInitialising,
	  "--C------", "X-C--XX--", LEAVE, LEAVE, "XLLLLXXLL" },

	{ "InitWait", XenbusStateInitWait, BEGIN, "XiiiiXXii", LEAVE, LEAVE, "XLLLLXXLL" },

	/* In InitWait the backend just has not seen our rings. */
	{ "Initialised", XenbusStateInitialised,
	  BEGIN, "XiiiiXXii", "LL--JLLLL", LEAVE, "XLLLLXXLL" },

	/* Whatever else it says, it does not know of the connection any more. */
	{ "Connected", XenbusStateConnected,
	  BEGIN, "XiiiiXXii", "LLLL-LLLL", "LLLL-LLLL", "XLLL-XXLL" },

	/* The core writes it when one of its functions fails. */
	{ "Closing", XenbusStateClosing, BEGIN, "XiiiiXXii", LEAVE, LEAVE, "XLLLLXXLL" },

	/* After a configuration that was wrong. */
	{ "Closed", XenbusStateClosed, BEGIN, "-iiii--ii", LEAVE, LEAVE, "XLLLLXXLL" },

	{ "Reconfiguring", XenbusStateReconfiguring,
	  BEGIN, "XiiiiXXii", LEAVE, LEAVE, "XLLLLXXLL" },
	{ "Reconfigured", XenbusStateReconfigured,
	  BEGIN, "XiiiiXXii", LEAVE, LEAVE, "XLLLLXXLL" },
};

KUNIT_ARRAY_PARAM_DESC(state, state_cases, name);

static char decision_letter(struct xen_drm_decision decision, enum xenbus_state own)
{
	switch (decision.step) {
	case XEN_DRM_IDLE:
		if (decision.then == own)
			return '-';
		if (decision.then == XenbusStateClosed)
			return 'c';
		return decision.then == XenbusStateInitialising ? 'i' : '?';
	case XEN_DRM_CONNECT:
		return decision.then == XenbusStateInitialised ? 'C' : '?';
	case XEN_DRM_JOIN:
		return decision.then == XenbusStateConnected ? 'J' : '?';
	case XEN_DRM_LEAVE:
		return decision.then == XenbusStateInitialising ? 'L' : '?';
	case XEN_DRM_CLOSE:
		return decision.then == XenbusStateClosed ? 'X' : '?';
	}
	return '?';
}

static char letter_of(struct xen_drm_facts facts, enum xenbus_state own, unsigned int backend)
{
	facts.own = own;
	facts.backend = backend;
	return decision_letter(xen_drm_state_next(&facts), own);
}

static void expect_steps(struct kunit *test, struct xen_drm_facts facts, const char *what,
			 const char *expected)
{
	const struct state_case *c = test->param_value;
	char got[NUM_STATES + 1] = "";
	unsigned int backend;

	for (backend = 0; backend < NUM_STATES; backend++)
		got[backend] = letter_of(facts, c->own, backend);

	KUNIT_EXPECT_STREQ_MSG(test, got, expected, "%s", what);
}

static void steps(struct kunit *test)
{
	const struct state_case *c = test->param_value;

	expect_steps(test, (struct xen_drm_facts) {}, "alone", c->alone);
	expect_steps(test, (struct xen_drm_facts) { .offline = true }, "offline", c->offline);
	expect_steps(test, (struct xen_drm_facts) { .connected = true }, "connected",
		     c->connected);
	expect_steps(test, (struct xen_drm_facts) { .connected = true, .joined = true },
		     "joined", c->joined);
	expect_steps(test,
		     (struct xen_drm_facts) { .connected = true, .joined = true,
					      .offline = true },
		     "joined, offline", c->joined_offline);
}

/* Until our state is written, nothing is done but to leave. */
static void pending(struct kunit *test)
{
	const struct state_case *c = test->param_value;
	struct xen_drm_facts facts = { .pending = true };
	const char *connected = LEAVE;

	expect_steps(test, facts, "alone", IDLE);
	facts.offline = true;
	expect_steps(test, facts, "alone, offline", IDLE);
	facts.offline = false;

	/* Rings are published, but the backend cannot know. */
	if (c->own == XenbusStateInitialising)
		connected = IDLE;
	if (c->own == XenbusStateInitialised)
		connected = "LL---LLLL";
	if (c->own == XenbusStateConnected)
		connected = "LLLL-LLLL";
	facts.connected = true;
	expect_steps(test, facts, "connected", connected);
	/* Once it was Connected, it does not go back without leaving. */
	if (c->own == XenbusStateInitialised)
		connected = "LLLL-LLLL";
	facts.joined = true;
	expect_steps(test, facts, "joined", connected);
}

/* A broken connection is left before anything else is thought of. */
static void broken(struct kunit *test)
{
	const struct state_case *c = test->param_value;
	struct xen_drm_facts facts = { .connected = true, .broken = true };
	unsigned int backend, i;

	for (backend = 0; backend < NUM_STATES; backend++) {
		for (i = 0; i < 16; i++) {
			facts.own = c->own;
			facts.backend = backend;
			facts.joined = i & 1;
			facts.pending = i & 2;
			facts.held_off = i & 4;
			facts.misconfigured = i & 8;
			KUNIT_EXPECT_EQ(test, xen_drm_state_next(&facts).step,
					XEN_DRM_LEAVE);
		}
	}
}

/* A hold-off keeps from the next connection, and from nothing else. */
static void held_off(struct kunit *test)
{
	const struct state_case *c = test->param_value;

	expect_steps(test, (struct xen_drm_facts) { .held_off = true }, "alone", IDLE);
	expect_steps(test, (struct xen_drm_facts) { .held_off = true, .offline = true },
		     "offline", c->own == XenbusStateClosed ? IDLE : "X----XX--");
	expect_steps(test, (struct xen_drm_facts) { .held_off = true, .connected = true },
		     "connected", c->connected);
}

/* Closed, and there it stays. */
static void misconfigured(struct kunit *test)
{
	const struct state_case *c = test->param_value;
	bool closed = c->own == XenbusStateClosed;

	expect_steps(test, (struct xen_drm_facts) { .misconfigured = true }, "alone",
		     closed ? IDLE : "ccccccccc");
	expect_steps(test, (struct xen_drm_facts) { .misconfigured = true, .offline = true },
		     "offline", closed ? IDLE : "XccccXXcc");
}

/* Closed, and there it stays. */
static void guest_goes_down(struct kunit *test)
{
	const struct state_case *c = test->param_value;
	struct xen_drm_facts facts = { .shutdown = true, .connected = true };

	expect_steps(test, facts, "connected", "XXXXXXXXX");
	facts.broken = true;
	facts.joined = true;
	expect_steps(test, facts, "broken", "XXXXXXXXX");
	facts.pending = true;
	expect_steps(test, facts, "pending", "XXXXXXXXX");

	expect_steps(test, (struct xen_drm_facts) { .shutdown = true, .held_off = true },
		     "alone", c->own == XenbusStateClosed ? IDLE : "XXXXXXXXX");
}

/* The backend's state is a number that the backend wrote. */
static void no_such_state(struct kunit *test)
{
	static const unsigned int numbers[] = { 9, 4711, INT_MAX, 0x80000000, UINT_MAX };
	const struct state_case *c = test->param_value;
	struct xen_drm_facts facts = {};
	unsigned int n, i;

	for (n = 0; n < ARRAY_SIZE(numbers); n++) {
		for (i = 0; i < 8; i++) {
			facts.connected = i & 1;
			facts.joined = i & 2;
			facts.broken = i & 4;
			KUNIT_EXPECT_EQ(test, letter_of(facts, c->own, numbers[n]),
					letter_of(facts, c->own, XenbusStateReconfiguring));
		}
	}
}

/* A connection, how it ended, and what that means for the next one. */
struct hold_off_case {
	const char *name;
	/* Seconds that each of the connections lasted, and whether it ended by a fault. */
	struct {
		unsigned int seconds;
		bool fault;
	} connections[12];
	/* Seconds of waiting after each of them. */
	unsigned int waits[12];
};

static const struct hold_off_case hold_off_cases[] = {
	{ "a restart now and then", { { 60 }, { 3600 }, { 60 }, { 61 } }, { 0, 0, 0, 0 } },
	{ "three restarts in a row are free", { { 5 }, { 59 }, { 5 }, { 5 }, { 5 }, { 5 } },
	  { 0, 0, 0, 2, 4, 8 } },
	{ "a minute makes good", { { 5 }, { 5 }, { 5 }, { 5 }, { 60 }, { 5 }, { 5 }, { 5 } },
	  { 0, 0, 0, 2, 0, 0, 0, 2 } },
	{ "too short", { { 0 }, { 4 }, { 4 }, { 4 }, { 4 }, { 4 }, { 4 }, { 4 } },
	  { 2, 4, 8, 16, 32, 64, 64, 64 } },
	{ "faults", { { 30, true }, { 30, true }, { 30, true } }, { 2, 4, 8 } },
	{ "a fault after a good time", { { 30, true }, { 30, true }, { 3600, true } },
	  { 2, 4, 2 } },
	{ "a restart after faults", { { 30, true }, { 30, true }, { 30 }, { 60 } },
	  { 2, 4, 8, 0 } },
};

KUNIT_ARRAY_PARAM_DESC(hold_off, hold_off_cases, name);

static void hold_off(struct kunit *test)
{
	const struct hold_off_case *c = test->param_value;
	unsigned int level = 0, i;

	for (i = 0; i < ARRAY_SIZE(c->waits); i++) {
		if (i && !c->connections[i].seconds && !c->connections[i].fault)
			break;
		level = xen_drm_state_level(level, c->connections[i].seconds,
					    c->connections[i].fault);
		KUNIT_EXPECT_EQ_MSG(test, xen_drm_state_hold_off(level), c->waits[i],
				    "after connection %u", i);
	}
}

/* A backend may go on like this for years. */
static void hold_off_for_ever(struct kunit *test)
{
	unsigned int level = 0, i;

	for (i = 0; i < 1000; i++)
		level = xen_drm_state_level(level, 0, true);
	KUNIT_EXPECT_EQ(test, xen_drm_state_hold_off(level), 64);
	KUNIT_EXPECT_EQ(test, xen_drm_state_hold_off(xen_drm_state_level(level, UINT_MAX, false)),
			0);
}

static struct kunit_case state_kunit_cases[] = {
	KUNIT_CASE_PARAM(steps, state_gen_params),
	KUNIT_CASE_PARAM(pending, state_gen_params),
	KUNIT_CASE_PARAM(broken, state_gen_params),
	KUNIT_CASE_PARAM(held_off, state_gen_params),
	KUNIT_CASE_PARAM(misconfigured, state_gen_params),
	KUNIT_CASE_PARAM(guest_goes_down, state_gen_params),
	KUNIT_CASE_PARAM(no_such_state, state_gen_params),
	KUNIT_CASE_PARAM(hold_off, hold_off_gen_params),
	KUNIT_CASE(hold_off_for_ever),
	{}
};

static struct kunit_suite state_suite = {
	.name = "xen_drm_front_state",
	.test_cases = state_kunit_cases,
};

kunit_test_suite(state_suite);
