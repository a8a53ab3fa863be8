// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Attacks by XenStore: versions and states. */
#include <stdlib.h>

#include "attack.h"

/* What XenStore takes at most. */
#define VALUE_MAX 4000

static const char *const odd_states[] = {
	"0", "8", "9", "-1", "4294967295", "4294967300", "abc", "4x", "empty", "none", "1", "3",
};

static const char *const odd_versions[] = {
	"1,,99999999999,x", "\x1b[2J\a\x01,1", "2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,1", " 1",
	"-1,1", "1.0,1", "+2,1", "4294967297,1", "%s%n%x,1", ",1",
};

static enum verdict versions_missing(struct attack *attack, struct device *dev)
{
	(void)attack;
	store_write_versions(dev, NULL);
	return TAKEN;
}

static enum verdict versions_junk(struct attack *attack, struct device *dev)
{
	store_write_versions(dev, *attack->args.text ? attack->args.text :
			     odd_versions[attack->fired % ARRAY_SIZE(odd_versions)]);
	return TAKEN;
}

static enum verdict versions_huge(struct attack *attack, struct device *dev)
{
	char text[VALUE_MAX + 1];

	memset(text, '9', sizeof(text));
	memcpy(text, "1,", 2);
	text[VALUE_MAX] = 0;
	(void)attack;
	store_write_versions(dev, text);
	return TAKEN;
}

/* No version that anybody has: the frontend gives the device up for good. */
static enum verdict versions_none(struct attack *attack, struct device *dev)
{
	(void)attack;
	store_write_versions(dev, "3,0,x");
	return TAKEN;
}

static bool state_repeat(struct attack *attack, struct device *dev)
{
	char text[12];

	snprintf(text, sizeof(text), "%d", dev->be_state);
	for (uint32_t i = 0; i < attack->args.count; i++)
		store_write_raw_state(dev, text);
	return true;
}

static bool state_odd(struct attack *attack, struct device *dev)
{
	if (*attack->args.text) {
		store_write_raw_state(dev, attack->args.text);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(odd_states); i++)
		store_write_raw_state(dev, odd_states[i]);
	store_end_raw_state(dev);
	return true;
}

static bool state_connected(struct attack *attack, struct device *dev)
{
	(void)attack;
	store_write_raw_state(dev, "4");
	return true;
}

static enum verdict state_flood(struct attack *attack, struct device *dev)
{
	for (unsigned int i = 0; i < 9; i++) {
		char text[2] = { '0' + prng_below(&attack->prng, 9) };

		store_write_raw_state(dev, text);
	}
	if (attack->fired + 1 >= attack->args.count)
		store_end_raw_state(dev);
	return CHANGED;
}

static enum verdict state_stuck(struct attack *attack, struct device *dev, int state)
{
	(void)attack;
	(void)dev;
	(void)state;
	return TAKEN;
}

/* The frontend is Initialised, and we leave instead of taking up its rings. */
static enum verdict leave_initialised(struct attack *attack, struct device *dev)
{
	int state = attack->args.has_value ? attack->args.value : XenbusStateClosed;

	if (state == XenbusStateClosed)
		store_write_state(dev, XenbusStateClosing);
	store_write_state(dev, state);
	return TAKEN;
}

/* Nothing at all happens: the frontend must lose its patience. */
static enum verdict ignore_initialised(struct attack *attack, struct device *dev)
{
	(void)attack;
	(void)dev;
	return TAKEN;
}

static bool leave_and_return(struct attack *attack, struct device *dev)
{
	for (uint32_t i = 0; i < attack->args.count; i++) {
		store_write_raw_state(dev, "5");
		store_write_raw_state(dev, "6");
		store_write_raw_state(dev, "2");
		store_write_raw_state(dev, "4");
	}
	return true;
}

struct attack_kind attacks_store[] = {
	{ "versions-missing", "X6", "there is no node versions", TAKES_COUNT,
	  .versions = versions_missing },
	{ "versions-junk", "X6", "versions is each odd list in turn, or text",
	  TAKES_COUNT | TAKES_TEXT, .versions = versions_junk },
	{ "versions-huge", "X6", "versions has 4000 characters", TAKES_COUNT,
	  .versions = versions_huge },
	{ "versions-none", "X6", "versions has none that the frontend speaks", TAKES_COUNT,
	  .versions = versions_none },
	{ "state-connected", "S1", "state is 4 whatever it should be", 0,
	  .fire_device = state_connected },
	{ "state-repeat", "S2", "the present state is written again, count times", TAKES_COUNT,
	  100, .fire_device = state_repeat },
	{ "state-leave", "S4",
	  "when the frontend is Initialised, our state becomes Closed, or value",
	  TAKES_COUNT | TAKES_VALUE, 1, .bind = leave_initialised },
	{ "state-ignore", "S4", "when the frontend is Initialised, nothing happens", TAKES_COUNT,
	  1, .bind = ignore_initialised },
	{ "state-return", "S5", "5, 6, 2 and 4 in a row, count times", TAKES_COUNT, 1,
	  .fire_device = leave_and_return },
	{ "state-stuck", "S7", "our state is not written any more", TAKES_COUNT, 0,
	  .state = state_stuck },
	{ "state-flood", "S8", "nine random states in a row, count times", TAKES_COUNT, 20,
	  .tick_device = state_flood, .tick_ms = 20 },
	{ "state-odd", "S8", "each state that there is not in a row, or text", TAKES_TEXT,
	  .fire_device = state_odd },
	{ 0 }
};
