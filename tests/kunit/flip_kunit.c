// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * When a pipe sends a flip, and when a commit is over, for all that can be the
 * case.
 */

#include <linux/prandom.h>
#include <linux/string.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front_flip_state.h"

#define NUM_INPUTS	(XEN_DRM_FLIP_DISABLED + 1)
/* Vblanks from a commit to its event, but for those while a flip or a mode is out. */
#define MAX_VBLANKS	2
#define TEXT_LEN	8

static const char * const input_names[NUM_INPUTS] = {
	[XEN_DRM_FLIP_COMMIT] = "COMMIT",
	[XEN_DRM_FLIP_EVENT_ONLY] = "EVENT_ONLY",
	[XEN_DRM_FLIP_DAMAGE] = "DAMAGE",
	[XEN_DRM_FLIP_DONE] = "DONE",
	[XEN_DRM_FLIP_REFUSED] = "REFUSED",
	[XEN_DRM_FLIP_OVERDUE] = "OVERDUE",
	[XEN_DRM_FLIP_ANSWERS] = "ANSWERS",
	[XEN_DRM_FLIP_VBLANK] = "VBLANK",
	[XEN_DRM_FLIP_ENABLED] = "ENABLED",
	[XEN_DRM_FLIP_CONFIGURING] = "CONFIGURING",
	[XEN_DRM_FLIP_CONFIGURED] = "CONFIGURED",
	[XEN_DRM_FLIP_DARKENED] = "DARKENED",
	[XEN_DRM_FLIP_DISABLED] = "DISABLED",
};

static const char * const state_names[] = {
	[XEN_DRM_FLIP_OFF] = "OFF",
	[XEN_DRM_FLIP_DARK] = "DARK",
	[XEN_DRM_FLIP_SETTING] = "SETTING",
	[XEN_DRM_FLIP_IDLE] = "IDLE",
	[XEN_DRM_FLIP_FLYING] = "FLYING",
	[XEN_DRM_FLIP_LANDED] = "LANDED",
	[XEN_DRM_FLIP_STALLED] = "STALLED",
};

/*
 * A pipe's state as a word: the first letter of its name (M for SETTING), then
 * n or o: the event belongs to the next flip, or to the one that is out
 * d: dirty
 * r: retried
 * and what is to be done: ! COMPLETE, > SEND.
 */
static const char state_letters[] = "ODMIFLS";

static const char *core_text(const struct xen_drm_flip_core *core, unsigned int actions,
			     char *text)
{
	snprintf(text, TEXT_LEN, "%c%s%s%s%s%s", state_letters[core->state],
		 core->event == XEN_DRM_FLIP_EVENT_NEXT ? "n" :
		 core->event == XEN_DRM_FLIP_EVENT_OUT ? "o" : "",
		 core->dirty ? "d" : "", core->retried ? "r" : "",
		 actions & XEN_DRM_FLIP_COMPLETE ? "!" : "",
		 actions & XEN_DRM_FLIP_SEND ? ">" : "");
	return text;
}

static struct xen_drm_flip_core text_core(const char *text)
{
	return (struct xen_drm_flip_core) {
		.state = strchr(state_letters, text[0]) - state_letters,
		.event = strchr(text, 'n') ? XEN_DRM_FLIP_EVENT_NEXT :
			 strchr(text, 'o') ? XEN_DRM_FLIP_EVENT_OUT :
					     XEN_DRM_FLIP_EVENT_NONE,
		.dirty = strchr(text, 'd'),
		.retried = strchr(text, 'r'),
	};
}

/* --- the table -------------------------------------------------------------- */

/* All that a pipe can be in, and what each input makes of it, in their order. */
struct flip_row {
	const char *from;
	const char *to[NUM_INPUTS];
};

/*
 * Commits come when the former one's event has been sent, to an active CRTC. Only
 * what is off is enabled, and only a dark pipe is sent a mode.
 */
#define NEVER	NULL

static const struct flip_row flip_rows[] = {
	/*
	 * COMMIT, EVENT_ONLY, DAMAGE,
	 * DONE, REFUSED, OVERDUE, ANSWERS, VBLANK,
	 * ENABLED, CONFIGURING, CONFIGURED, DARKENED, DISABLED
	 */
	{ "O", { NEVER, NEVER, "O", "O", "O", "O", "O", "O",
		 "D", "O", NEVER, "O", "O" } },

	/* Clients go on at the pace of the vblanks. Whatever was drawn, the mode shows. */
	{ "D", { "Dnd", "Do", "Dd", "D", "D", "D", "D", "D",
		 NEVER, "M", "L", "D", "O" } },
	{ "Dd", { "Dnd", "Dnd", "Dd", "Dd", "Dd", "Dd", "Dd", "Dd",
		  NEVER, "M", "Ld", "D", "O" } },
	{ "Dn", { NEVER, NEVER, "Dnd", "Dn", "Dn", "Dn", "Dn", "D!",
		  NEVER, "Mo", "Ln", "Dn", "O!" } },
	{ "Dnd", { NEVER, NEVER, "Dnd", "Dnd", "Dnd", "Dnd", "Dnd", "Dd!",
		   NEVER, "Mo", "Lnd", "Dn", "O!" } },
	{ "Do", { NEVER, NEVER, "Dod", "Do", "Do", "Do", "Do", "D!",
		  NEVER, "Mo", "Lo", "Do", "O!" } },
	{ "Dod", { NEVER, NEVER, "Dod", "Dod", "Dod", "Dod", "Dod", "Dd!",
		   NEVER, "Mo", "Lod", "Do", "O!" } },

	/* As when a flip is out, but nothing is sent, and few vblanks wait for the answer. */
	{ "M", { "Mnd", "Mo", "Md", "M", "M", "S", "M", "M",
		 NEVER, NEVER, "L", "D", "O" } },
	{ "Md", { "Mnd", "Mnd", "Md", "Md", "Md", "Sd", "Md", "Md",
		  NEVER, NEVER, "Ld", "D", "O" } },
	{ "Mo", { NEVER, NEVER, "Mod", "Mo", "Mo", "So", "Mo", "Mo",
		  NEVER, NEVER, "Lo", "Do", "O!" } },
	{ "Mod", { NEVER, NEVER, "Mod", "Mod", "Mod", "Sod", "Mod", "Mod",
		   NEVER, NEVER, "Lod", "Do", "O!" } },
	{ "Mnd", { NEVER, NEVER, "Mnd", "Mnd", "Mnd", "Snd", "Mnd", "Mnd",
		   NEVER, NEVER, "Lnd", "Dn", "O!" } },

	/* The only state that sends at once. */
	{ "I", { "Fo>", "Lo", "F>", "I", "I", "I", "I", "I",
		 NEVER, NEVER, "I", "D", "O" } },

	/* A vblank ends nothing before the answer. */
	{ "F", { "Fnd", "Fo", "Fd", "L", "Ldr", "S", "F", "F",
		 NEVER, NEVER, "F", "D", "O" } },
	{ "Fd", { "Fnd", "Fnd", "Fd", "Ld", "Ldr", "Sd", "Fd", "Fd",
		  NEVER, NEVER, "Fd", "D", "O" } },
	{ "Fo", { NEVER, NEVER, "Fod", "Lo", "Lodr", "So", "Fo", "Fo",
		  NEVER, NEVER, "Fo", "Do", "O!" } },
	{ "Fod", { NEVER, NEVER, "Fod", "Lod", "Lodr", "Sod", "Fod", "Fod",
		   NEVER, NEVER, "Fod", "Do", "O!" } },
	{ "Fnd", { NEVER, NEVER, "Fnd", "Lnd", "Lndr", "Snd", "Fnd", "Fnd",
		   NEVER, NEVER, "Fnd", "Dn", "O!" } },
	/* What follows a refusal is not followed by the same once more. */
	{ "Fr", { "Fndr", "For", "Fdr", "L", "L", "Sr", "Fr", "Fr",
		  NEVER, NEVER, "Fr", "D", "O" } },
	{ "Fdr", { "Fndr", "Fndr", "Fdr", "Ld", "Ld", "Sdr", "Fdr", "Fdr",
		   NEVER, NEVER, "Fdr", "D", "O" } },
	{ "For", { NEVER, NEVER, "Fodr", "Lo", "Lo", "Sor", "For", "For",
		   NEVER, NEVER, "For", "Do", "O!" } },
	{ "Fodr", { NEVER, NEVER, "Fodr", "Lod", "Lod", "Sodr", "Fodr", "Fodr",
		    NEVER, NEVER, "Fodr", "Do", "O!" } },
	{ "Fndr", { NEVER, NEVER, "Fndr", "Lnd", "Lnd", "Sndr", "Fndr", "Fndr",
		    NEVER, NEVER, "Fndr", "Dn", "O!" } },

	/* The vblank completes what has landed, and sends what has come since. */
	{ "L", { "Lnd", "Lo", "Ld", "L", "L", "L", "L", "I",
		 NEVER, NEVER, "L", "D", "O" } },
	{ "Ld", { "Lnd", "Lnd", "Ld", "Ld", "Ld", "Ld", "Ld", "F>",
		  NEVER, NEVER, "Ld", "D", "O" } },
	{ "Lo", { NEVER, NEVER, "Lod", "Lo", "Lo", "Lo", "Lo", "I!",
		  NEVER, NEVER, "Lo", "Do", "O!" } },
	{ "Lod", { NEVER, NEVER, "Lod", "Lod", "Lod", "Lod", "Lod", "F!>",
		   NEVER, NEVER, "Lod", "Do", "O!" } },
	{ "Lnd", { NEVER, NEVER, "Lnd", "Lnd", "Lnd", "Lnd", "Lnd", "Fo>",
		   NEVER, NEVER, "Lnd", "Dn", "O!" } },
	{ "Ldr", { "Lndr", "Lndr", "Ldr", "Ldr", "Ldr", "Ldr", "Ldr", "Fr>",
		   NEVER, NEVER, "Ldr", "D", "O" } },
	{ "Lodr", { NEVER, NEVER, "Lodr", "Lodr", "Lodr", "Lodr", "Lodr", "Fr!>",
		    NEVER, NEVER, "Lodr", "Do", "O!" } },
	{ "Lndr", { NEVER, NEVER, "Lndr", "Lndr", "Lndr", "Lndr", "Lndr", "For>",
		    NEVER, NEVER, "Lndr", "Dn", "O!" } },

	/* Nothing is sent but when the backend answers, and then in any case. */
	{ "S", { "Snd", "So", "Sd", "L", "Ldr", "S", "F>", "S",
		 NEVER, NEVER, "L", "D", "O" } },
	{ "Sd", { "Snd", "Snd", "Sd", "Ld", "Ldr", "Sd", "F>", "Sd",
		  NEVER, NEVER, "Ld", "D", "O" } },
	{ "So", { NEVER, NEVER, "Sod", "Lo", "Lodr", "So", "Fo>", "S!",
		  NEVER, NEVER, "Lo", "Do", "O!" } },
	{ "Sod", { NEVER, NEVER, "Sod", "Lod", "Lodr", "Sod", "Fo>", "Sd!",
		   NEVER, NEVER, "Lod", "Do", "O!" } },
	{ "Snd", { NEVER, NEVER, "Snd", "Lnd", "Lndr", "Snd", "Fo>", "Sd!",
		   NEVER, NEVER, "Lnd", "Dn", "O!" } },
	{ "Sr", { "Sndr", "Sor", "Sdr", "L", "L", "Sr", "Fr>", "Sr",
		  NEVER, NEVER, NEVER, "D", "O" } },
	{ "Sdr", { "Sndr", "Sndr", "Sdr", "Ld", "Ld", "Sdr", "Fr>", "Sdr",
		   NEVER, NEVER, NEVER, "D", "O" } },
	{ "Sor", { NEVER, NEVER, "Sodr", "Lo", "Lo", "Sor", "For>", "Sr!",
		   NEVER, NEVER, NEVER, "Do", "O!" } },
	{ "Sodr", { NEVER, NEVER, "Sodr", "Lod", "Lod", "Sodr", "For>", "Sdr!",
		    NEVER, NEVER, NEVER, "Do", "O!" } },
	{ "Sndr", { NEVER, NEVER, "Sndr", "Lnd", "Lnd", "Sndr", "For>", "Sdr!",
		    NEVER, NEVER, NEVER, "Dn", "O!" } },
};

static void flip_desc(const struct flip_row *row, char *desc)
{
	struct xen_drm_flip_core core = text_core(row->from);

	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s: %s%s%s%s", row->from,
		 state_names[core.state],
		 core.event == XEN_DRM_FLIP_EVENT_NEXT ? ", event of the next flip" :
		 core.event == XEN_DRM_FLIP_EVENT_OUT ? ", event of this flip" : "",
		 core.dirty ? ", dirty" : "", core.retried ? ", retried" : "");
}

KUNIT_ARRAY_PARAM(flip, flip_rows, flip_desc);

static void table(struct kunit *test)
{
	const struct flip_row *row = test->param_value;
	struct xen_drm_flip_core core;
	unsigned int input, actions;
	char text[TEXT_LEN];

	for (input = 0; input < NUM_INPUTS; input++) {
		if (!row->to[input])
			continue;
		core = text_core(row->from);
		actions = xen_drm_flip_next(&core, input);
		KUNIT_EXPECT_STREQ_MSG(test, core_text(&core, actions, text),
				       row->to[input], "%s", input_names[input]);
	}
}

/* --- sequences -------------------------------------------------------------- */

static int flip_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct xen_drm_flip_core), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void begin(struct kunit *test, const char *from)
{
	*(struct xen_drm_flip_core *)test->priv = text_core(from);
}

static void expect_step(struct kunit *test, enum xen_drm_flip_input input,
			const char *expected)
{
	struct xen_drm_flip_core *core = test->priv;
	char text[TEXT_LEN];
	unsigned int actions;

	actions = xen_drm_flip_next(core, input);
	KUNIT_ASSERT_STREQ_MSG(test, core_text(core, actions, text), expected, "%s",
			       input_names[input]);
}

/* Each of them costs nothing but a bit. */
static void many_damages_are_one_flip(struct kunit *test)
{
	unsigned int i;

	begin(test, "I");
	expect_step(test, XEN_DRM_FLIP_DAMAGE, "F>");
	for (i = 0; i < 500; i++)
		expect_step(test, XEN_DRM_FLIP_DAMAGE, "Fd");
	expect_step(test, XEN_DRM_FLIP_DONE, "Ld");
	for (i = 0; i < 500; i++)
		expect_step(test, XEN_DRM_FLIP_DAMAGE, "Ld");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "F>");
	expect_step(test, XEN_DRM_FLIP_DONE, "L");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I");
}

static void refused_twice(struct kunit *test)
{
	begin(test, "I");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Fo>");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "Lodr");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Fr!>");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "L");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I");
}

static void refused_then_shown(struct kunit *test)
{
	begin(test, "I");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Fo>");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "Lodr");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Fr!>");
	expect_step(test, XEN_DRM_FLIP_DONE, "L");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I");

	/* The next one may be refused once, too. */
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Fo>");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "Lodr");
}

/* What has come while the refused picture was tried again is another one. */
static void refused_while_drawn_to(struct kunit *test)
{
	begin(test, "F");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "Ldr");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Fr>");
	expect_step(test, XEN_DRM_FLIP_DAMAGE, "Fdr");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "Ld");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "F>");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "Ldr");
}

/* The flip that is out does not show the commit's picture. */
static void commit_while_a_damage_flies(struct kunit *test)
{
	begin(test, "I");
	expect_step(test, XEN_DRM_FLIP_DAMAGE, "F>");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Fnd");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Fnd");
	expect_step(test, XEN_DRM_FLIP_DONE, "Lnd");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Fo>");
	expect_step(test, XEN_DRM_FLIP_DAMAGE, "Fod");
	expect_step(test, XEN_DRM_FLIP_DONE, "Lod");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "F!>");
}

/* Without a picture of its own, the commit's is the one that is out. */
static void event_only_while_a_damage_flies(struct kunit *test)
{
	begin(test, "F");
	expect_step(test, XEN_DRM_FLIP_EVENT_ONLY, "Fo");
	expect_step(test, XEN_DRM_FLIP_DONE, "Lo");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I!");

	begin(test, "Fd");
	expect_step(test, XEN_DRM_FLIP_EVENT_ONLY, "Fnd");
	expect_step(test, XEN_DRM_FLIP_DONE, "Lnd");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Fo>");
}

/* Nothing is to be shown, so the vblank is all there is to wait for. */
static void event_only_while_idle(struct kunit *test)
{
	begin(test, "I");
	expect_step(test, XEN_DRM_FLIP_EVENT_ONLY, "Lo");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I!");
}

/* An answer to a flip of which the pipe thinks no more. */
static void late_answers_are_nothing(struct kunit *test)
{
	begin(test, "Fo");
	expect_step(test, XEN_DRM_FLIP_DARKENED, "Do");
	expect_step(test, XEN_DRM_FLIP_CONFIGURING, "Mo");
	expect_step(test, XEN_DRM_FLIP_DONE, "Mo");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "Mo");
	expect_step(test, XEN_DRM_FLIP_CONFIGURED, "Lo");
	expect_step(test, XEN_DRM_FLIP_REFUSED, "Lo");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I!");
	expect_step(test, XEN_DRM_FLIP_DONE, "I");
}

/* Whatever the pipe was at, nobody waits for a backend that has gone. */
static void leave(struct kunit *test)
{
	const struct flip_row *row = test->param_value;
	struct xen_drm_flip_core core = text_core(row->from);
	bool event = core.event != XEN_DRM_FLIP_EVENT_NONE;
	bool off = core.state == XEN_DRM_FLIP_OFF;

	KUNIT_EXPECT_EQ(test, xen_drm_flip_next(&core, XEN_DRM_FLIP_DARKENED), 0);
	KUNIT_EXPECT_EQ(test, core.state, off ? XEN_DRM_FLIP_OFF : XEN_DRM_FLIP_DARK);
	KUNIT_EXPECT_EQ(test, xen_drm_flip_next(&core, XEN_DRM_FLIP_VBLANK),
			event ? XEN_DRM_FLIP_COMPLETE : 0);
	KUNIT_EXPECT_EQ(test, xen_drm_flip_next(&core, XEN_DRM_FLIP_VBLANK), 0);
}

static void disable(struct kunit *test)
{
	const struct flip_row *row = test->param_value;
	struct xen_drm_flip_core core = text_core(row->from);
	bool event = core.event != XEN_DRM_FLIP_EVENT_NONE;

	KUNIT_EXPECT_EQ(test, xen_drm_flip_next(&core, XEN_DRM_FLIP_DISABLED),
			event ? XEN_DRM_FLIP_COMPLETE : 0);
	KUNIT_EXPECT_EQ(test, core.state, XEN_DRM_FLIP_OFF);
	KUNIT_EXPECT_EQ(test, core.event, XEN_DRM_FLIP_EVENT_NONE);
	KUNIT_EXPECT_FALSE(test, core.dirty);
	KUNIT_EXPECT_FALSE(test, core.retried);
}

static void overdue(struct kunit *test)
{
	unsigned int i;

	begin(test, "I");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Fo>");
	expect_step(test, XEN_DRM_FLIP_OVERDUE, "So");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "S!");

	/* Clients go on at the pace of the vblanks, and nothing is sent. */
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Snd");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Sd!");
	for (i = 0; i < 100; i++) {
		expect_step(test, XEN_DRM_FLIP_DAMAGE, i & 1 ? "Snd" : "Sd");
		if (i & 1)
			expect_step(test, XEN_DRM_FLIP_VBLANK, "Sd!");
		else
			expect_step(test, XEN_DRM_FLIP_COMMIT, "Snd");
	}
	expect_step(test, XEN_DRM_FLIP_EVENT_ONLY, "Snd");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Sd!");

	/* The answer to the flip at last: the newest picture follows. */
	expect_step(test, XEN_DRM_FLIP_DONE, "Ld");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "F>");
}

/* What the backend has missed is sent again, even if it is the same. */
static void answers(struct kunit *test)
{
	begin(test, "F");
	expect_step(test, XEN_DRM_FLIP_ANSWERS, "F");
	expect_step(test, XEN_DRM_FLIP_OVERDUE, "S");
	expect_step(test, XEN_DRM_FLIP_ANSWERS, "F>");
	expect_step(test, XEN_DRM_FLIP_ANSWERS, "F");
	expect_step(test, XEN_DRM_FLIP_DONE, "L");
	expect_step(test, XEN_DRM_FLIP_ANSWERS, "L");

	/* A commit that waits for its vblank goes out, and waits for its flip. */
	begin(test, "S");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Snd");
	expect_step(test, XEN_DRM_FLIP_ANSWERS, "Fo>");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Fo");
	expect_step(test, XEN_DRM_FLIP_DONE, "Lo");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I!");
}

/* The picture that goes with the mode is out when the mode is, later ones are not. */
static void configure(struct kunit *test)
{
	begin(test, "O");
	expect_step(test, XEN_DRM_FLIP_ENABLED, "D");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Dnd");
	expect_step(test, XEN_DRM_FLIP_CONFIGURING, "Mo");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Mo");
	expect_step(test, XEN_DRM_FLIP_CONFIGURED, "Lo");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I!");

	begin(test, "Dnd");
	expect_step(test, XEN_DRM_FLIP_CONFIGURING, "Mo");
	expect_step(test, XEN_DRM_FLIP_DAMAGE, "Mod");
	expect_step(test, XEN_DRM_FLIP_CONFIGURED, "Lod");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "F!>");
	expect_step(test, XEN_DRM_FLIP_DONE, "L");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I");

	/* Joined: damage was drawn in the dark, and nobody waits. */
	begin(test, "Dd");
	expect_step(test, XEN_DRM_FLIP_CONFIGURING, "M");
	expect_step(test, XEN_DRM_FLIP_CONFIGURED, "L");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "I");
}

/* The mode was refused, so the pipe is as dark as before. */
static void configure_in_vain(struct kunit *test)
{
	begin(test, "Dnd");
	expect_step(test, XEN_DRM_FLIP_CONFIGURING, "Mo");
	expect_step(test, XEN_DRM_FLIP_DARKENED, "Do");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "D!");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Dnd");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Dd!");
}

/* Setting a mode may hold up others, so clients go on before the answer. */
static void configure_slowly(struct kunit *test)
{
	unsigned int i;

	begin(test, "Dnd");
	expect_step(test, XEN_DRM_FLIP_CONFIGURING, "Mo");
	for (i = 0; i < XEN_DRM_FLIP_MAX_HELD; i++)
		expect_step(test, XEN_DRM_FLIP_VBLANK, "Mo");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "M!");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Mnd");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Md!");
	expect_step(test, XEN_DRM_FLIP_OVERDUE, "Sd");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Sd");
	expect_step(test, XEN_DRM_FLIP_CONFIGURED, "Ld");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "F>");

	/* The next mode is waited for as long. */
	expect_step(test, XEN_DRM_FLIP_DARKENED, "D");
	expect_step(test, XEN_DRM_FLIP_COMMIT, "Dnd");
	expect_step(test, XEN_DRM_FLIP_CONFIGURING, "Mo");
	expect_step(test, XEN_DRM_FLIP_VBLANK, "Mo");
}

/* --- a random walk ---------------------------------------------------------- */

struct walk {
	struct kunit *test;
	struct rnd_state rnd;
	struct xen_drm_flip_core core;
	/* @out: a flip is out that nothing has ended */
	bool out;
	/* @owed: the event of the latest commit has not been sent */
	bool owed;
	/* @configuring: a mode has been sent */
	bool configuring;
	/* Pictures have numbers that grow. */
	u32 newest, committed, sent, answered;
	/* @refusals: of the picture @sent */
	unsigned int refusals;
	/* @vblanks: since the latest commit, while no flip and no mode was out */
	unsigned int vblanks;
	unsigned int num_sends;
	unsigned int num_events;
	bool seen[ARRAY_SIZE(flip_rows)];
};

/* Of 128, how often an input is tried. */
static const u8 walk_weights[NUM_INPUTS] = {
	[XEN_DRM_FLIP_COMMIT] = 18,
	[XEN_DRM_FLIP_EVENT_ONLY] = 5,
	[XEN_DRM_FLIP_DAMAGE] = 16,
	[XEN_DRM_FLIP_DONE] = 18,
	[XEN_DRM_FLIP_REFUSED] = 10,
	[XEN_DRM_FLIP_OVERDUE] = 4,
	[XEN_DRM_FLIP_ANSWERS] = 3,
	[XEN_DRM_FLIP_VBLANK] = 26,
	[XEN_DRM_FLIP_ENABLED] = 10,
	[XEN_DRM_FLIP_CONFIGURING] = 6,
	[XEN_DRM_FLIP_CONFIGURED] = 10,
	[XEN_DRM_FLIP_DARKENED] = 1,
	[XEN_DRM_FLIP_DISABLED] = 1,
};

static enum xen_drm_flip_input walk_choose(struct walk *walk)
{
	unsigned int dice = prandom_u32_state(&walk->rnd) % 128;
	unsigned int input;

	for (input = 0; dice >= walk_weights[input]; input++)
		dice -= walk_weights[input];
	return input;
}

static bool is_out(enum xen_drm_flip_state state)
{
	return state == XEN_DRM_FLIP_FLYING || state == XEN_DRM_FLIP_SETTING;
}

/* As the callers of xen_drm_flip_next() keep to. */
static bool walk_may(const struct walk *walk, enum xen_drm_flip_input input)
{
	enum xen_drm_flip_state state = walk->core.state;

	switch (input) {
	case XEN_DRM_FLIP_COMMIT:
	case XEN_DRM_FLIP_EVENT_ONLY:
		return !walk->owed && state != XEN_DRM_FLIP_OFF;
	case XEN_DRM_FLIP_DONE:
	case XEN_DRM_FLIP_REFUSED:
		return walk->out || state != XEN_DRM_FLIP_STALLED;
	case XEN_DRM_FLIP_OVERDUE:
		return is_out(state);
	case XEN_DRM_FLIP_ENABLED:
		return state == XEN_DRM_FLIP_OFF;
	case XEN_DRM_FLIP_CONFIGURING:
		return state == XEN_DRM_FLIP_OFF || state == XEN_DRM_FLIP_DARK;
	case XEN_DRM_FLIP_CONFIGURED:
		return walk->configuring;
	default:
		return true;
	}
}

static bool was_answered(enum xen_drm_flip_state before)
{
	return before == XEN_DRM_FLIP_FLYING || before == XEN_DRM_FLIP_STALLED;
}

/* What the world has become by the input, before the pipe does anything. */
static void walk_before(struct walk *walk, enum xen_drm_flip_input input)
{
	switch (input) {
	case XEN_DRM_FLIP_COMMIT:
		walk->newest++;
		fallthrough;
	case XEN_DRM_FLIP_EVENT_ONLY:
		walk->committed = walk->newest;
		walk->owed = true;
		walk->vblanks = 0;
		break;
	case XEN_DRM_FLIP_DAMAGE:
		walk->newest++;
		break;
	case XEN_DRM_FLIP_REFUSED:
		if (was_answered(walk->core.state))
			walk->refusals++;
		fallthrough;
	case XEN_DRM_FLIP_DONE:
		if (was_answered(walk->core.state))
			walk->answered = walk->sent;
		walk->out = false;
		break;
	case XEN_DRM_FLIP_ANSWERS:
		if (walk->core.state == XEN_DRM_FLIP_STALLED)
			walk->out = false;
		break;
	case XEN_DRM_FLIP_VBLANK:
		if (!is_out(walk->core.state))
			walk->vblanks++;
		break;
	case XEN_DRM_FLIP_CONFIGURING:
		walk->configuring = walk->core.state != XEN_DRM_FLIP_OFF;
		walk->sent = walk->newest;
		walk->refusals = 0;
		walk->out = false;
		break;
	case XEN_DRM_FLIP_CONFIGURED:
		walk->configuring = false;
		walk->answered = walk->sent;
		break;
	case XEN_DRM_FLIP_DARKENED:
	case XEN_DRM_FLIP_DISABLED:
		walk->configuring = false;
		walk->out = false;
		break;
	default:
		break;
	}
}

static void walk_expect_event(struct walk *walk, enum xen_drm_flip_input input,
			      enum xen_drm_flip_state before)
{
	KUNIT_ASSERT_TRUE_MSG(walk->test, walk->owed, "an event that no commit has");
	KUNIT_ASSERT_TRUE_MSG(walk->test, input == XEN_DRM_FLIP_DISABLED ||
			      (input == XEN_DRM_FLIP_VBLANK &&
			       before != XEN_DRM_FLIP_FLYING),
			      "completed by %s while %s", input_names[input],
			      state_names[before]);
	if (input == XEN_DRM_FLIP_VBLANK && before == XEN_DRM_FLIP_SETTING)
		KUNIT_ASSERT_EQ_MSG(walk->test, walk->core.held, XEN_DRM_FLIP_MAX_HELD,
				    "the mode is not waited for");
	if (input == XEN_DRM_FLIP_VBLANK && before == XEN_DRM_FLIP_LANDED)
		KUNIT_ASSERT_GE_MSG(walk->test, walk->answered, walk->committed,
				    "the commit's picture is not out");
	walk->owed = false;
	walk->num_events++;
}

static void walk_expect_send(struct walk *walk, enum xen_drm_flip_state before)
{
	KUNIT_ASSERT_TRUE_MSG(walk->test, before == XEN_DRM_FLIP_IDLE ||
			      before == XEN_DRM_FLIP_LANDED ||
			      before == XEN_DRM_FLIP_STALLED, "sent while %s",
			      state_names[before]);
	KUNIT_ASSERT_FALSE_MSG(walk->test, walk->out, "two flips are out");
	if (walk->sent != walk->newest)
		walk->refusals = 0;
	KUNIT_ASSERT_LT_MSG(walk->test, walk->refusals, 2, "a third time");
	walk->num_sends++;

	/* As xen_drm_flip does when a mode is out, or the ring is full. */
	if (walk->configuring || prandom_u32_state(&walk->rnd) % 16 == 0) {
		xen_drm_flip_next(&walk->core, XEN_DRM_FLIP_OVERDUE);
		walk->core.dirty = true;
		return;
	}
	walk->out = true;
	walk->sent = walk->newest;
}

static void walk_expect_sound(struct walk *walk)
{
	const struct xen_drm_flip_core *core = &walk->core;
	char text[TEXT_LEN];
	unsigned int i;

	KUNIT_ASSERT_EQ(walk->test, core->event != XEN_DRM_FLIP_EVENT_NONE, walk->owed);
	if (walk->owed)
		KUNIT_ASSERT_LT_MSG(walk->test, walk->vblanks, MAX_VBLANKS, "event is lost");
	if (core->state > XEN_DRM_FLIP_DARK && !core->dirty)
		KUNIT_ASSERT_EQ_MSG(walk->test, walk->sent, walk->newest,
				    "the newest picture is not out");

	core_text(core, 0, text);
	for (i = 0; i < ARRAY_SIZE(flip_rows); i++)
		if (!strcmp(text, flip_rows[i].from))
			break;
	KUNIT_ASSERT_LT_MSG(walk->test, i, ARRAY_SIZE(flip_rows), "'%s' is not in the table",
			    text);
	walk->seen[i] = true;
}

static void walk_step(struct walk *walk)
{
	enum xen_drm_flip_state before = walk->core.state;
	enum xen_drm_flip_input input;
	unsigned int actions;

	do
		input = walk_choose(walk);
	while (!walk_may(walk, input));

	walk_before(walk, input);
	actions = xen_drm_flip_next(&walk->core, input);
	KUNIT_ASSERT_EQ(walk->test,
			actions & ~(XEN_DRM_FLIP_SEND | XEN_DRM_FLIP_COMPLETE), 0);
	if (actions & XEN_DRM_FLIP_COMPLETE)
		walk_expect_event(walk, input, before);
	if (actions & XEN_DRM_FLIP_SEND)
		walk_expect_send(walk, before);
	walk_expect_sound(walk);
}

/*
 * There are never two flips out, no event is lost, sent twice or sent too early,
 * the newest picture gets out, and nothing comes up that is not in the table.
 */
static void random_walk(struct kunit *test)
{
	struct walk *walk = kunit_kzalloc(test, sizeof(*walk), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, walk);
	walk->test = test;
	prandom_seed_state(&walk->rnd, 20260101);

	for (i = 0; i < 20000; i++)
		walk_step(walk);

	kunit_info(test, "%u flips, %u events\n", walk->num_sends, walk->num_events);
	KUNIT_EXPECT_GT(test, walk->num_sends, 500);
	KUNIT_EXPECT_GT(test, walk->num_events, 1000);
	for (i = 0; i < ARRAY_SIZE(flip_rows); i++)
		KUNIT_EXPECT_TRUE_MSG(test, walk->seen[i], "never came to '%s'",
				      flip_rows[i].from);
}

static struct kunit_case flip_cases[] = {
	KUNIT_CASE_PARAM(table, flip_gen_params),
	KUNIT_CASE(many_damages_are_one_flip),
	KUNIT_CASE(refused_twice),
	KUNIT_CASE(refused_then_shown),
	KUNIT_CASE(refused_while_drawn_to),
	KUNIT_CASE(commit_while_a_damage_flies),
	KUNIT_CASE(event_only_while_a_damage_flies),
	KUNIT_CASE(event_only_while_idle),
	KUNIT_CASE(late_answers_are_nothing),
	KUNIT_CASE_PARAM(leave, flip_gen_params),
	KUNIT_CASE_PARAM(disable, flip_gen_params),
	KUNIT_CASE(overdue),
	KUNIT_CASE(answers),
	KUNIT_CASE(configure),
	KUNIT_CASE(configure_in_vain),
	KUNIT_CASE(configure_slowly),
	KUNIT_CASE(random_walk),
	{}
};

static struct kunit_suite flip_suite = {
	.name = "xen_drm_front_flip",
	.init = flip_init,
	.test_cases = flip_cases,
};

kunit_test_suite(flip_suite);
