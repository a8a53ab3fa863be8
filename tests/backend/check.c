// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Unit tests of the backend's pure parts; those of requests are in check_conform.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "conform.h"
#include "edid.h"
#include "expect.h"
#include "mutate.h"
#include "picture.h"
#include "states.h"

bool all_ok;
static unsigned int passed, failed;

static bool shows(const char *fourcc, const void *pixel, size_t len, uint32_t expected)
{
	uint8_t data[8] = { 0 };
	struct pixels pixels = {
		FOURCC(fourcc[0], fourcc[1], fourcc[2], fourcc[3]), 1, 1, 8, data,
	};
	uint8_t *rgb;
	uint32_t got;

	memcpy(data, pixel, len);
	rgb = picture_compose(&pixels, 1, 1);
	if (!rgb)
		return false;
	got = rgb[0] << 16 | rgb[1] << 8 | rgb[2];
	free(rgb);
	if (got != expected)
		printf("  %s: got %06x, expected %06x\n", fourcc, got, expected);
	return got == expected;
}

static void test_formats(void)
{
	EXPECT(shows("RG16", "\x00\xf8", 2, 0xff0000) && shows("RG16", "\xe0\x07", 2, 0x00ff00));
	EXPECT(shows("RG16", "\x1f\x00", 2, 0x0000ff) && shows("RG16", "\x41\x08", 2, 0x080808));
	EXPECT(shows("XR12", "\x23\xf1", 2, 0x112233) && shows("AR12", "\x23\x01", 2, 0x112233));
	EXPECT(shows("XR15", "\x00\xfc", 2, 0xff0000) && shows("AR15", "\x21\x04", 2, 0x080808));
	EXPECT(shows("RG24", "\x33\x22\x11", 3, 0x112233));
	EXPECT(shows("XR24", "\x33\x22\x11\xee", 4, 0x112233));
	EXPECT(shows("AR24", "\x33\x22\x11\x00", 4, 0x112233));
	EXPECT(shows("XB24", "\x11\x22\x33\xee", 4, 0x112233));
	EXPECT(shows("AB24", "\x11\x22\x33\x00", 4, 0x112233));
	EXPECT(shows("XR30", "\xff\x03\x00\x00", 4, 0x0000ff));
	EXPECT(shows("AR30", "\x00\x00\xf0\xff", 4, 0xff0000));
	EXPECT(shows("XR30", "\xcc\x20\x42\x04", 4, 0x112233));
	EXPECT(shows("YUYV", "\x10\x80\xeb\x80", 4, 0x000000));
	EXPECT(shows("YUYV", "\xeb\x80\x10\x80", 4, 0xffffff));
	EXPECT(shows("UYVY", "\x5a\x51\xf0\x51", 4, 0xff0000));
	EXPECT(!format_bpp(FOURCC('N', 'V', '1', '2')) && !format_bpp(0));
}

/* A framebuffer of 3x1 in a mode of 4x2: the rest is black, odd YUV pairs end well. */
static void test_compose(void)
{
	static const uint8_t yuyv[] = { 0xeb, 0x80, 0x10, 0x80, 0xeb, 0x80, 0xeb, 0x80 };
	struct pixels pixels = { FOURCC('Y', 'U', 'Y', 'V'), 3, 1, sizeof(yuyv), yuyv };
	static const uint8_t expected[4 * 2 * 3] = { 255, 255, 255, 0, 0, 0, 255, 255, 255 };
	uint8_t *rgb = picture_compose(&pixels, 4, 2);

	EXPECT(rgb && !memcmp(rgb, expected, sizeof(expected)));
	free(rgb);
	pixels.width = 100;
	rgb = picture_compose(&pixels, 1, 1);
	EXPECT(rgb && rgb[0] == 255);
	free(rgb);
}

static void test_crc(void)
{
	/* zlib.crc32(b"123456789") */
	EXPECT(picture_crc((const uint8_t *)"123456789", 1, 3) == 0xcbf43926);
	EXPECT(picture_crc((const uint8_t *)"123456789", 3, 1) == 0xcbf43926);
}

static void test_stride(void)
{
	EXPECT(wire_stride(3, 24) == 12 && wire_stride(4, 24) == 12 && wire_stride(5, 24) == 16);
	EXPECT(wire_stride(1, 16) == 4 && wire_stride(2, 16) == 4 && wire_stride(3, 16) == 8);
	EXPECT(wire_stride(UINT32_MAX, 32) == 4ull * UINT32_MAX);
}

/* What the detailed timing says, read the way a monitor's reader does. */
static bool edid_says(uint32_t width, uint32_t height)
{
	uint8_t edid[EDID_SIZE], sum = 0;
	const uint8_t *d = edid + 54;
	uint32_t h, v, htotal, vtotal;
	double hz;

	if (edid_make(edid, width, height))
		return false;
	for (int i = 0; i < EDID_SIZE; i++)
		sum += edid[i];
	h = d[2] | (d[4] & 0xf0) << 4;
	v = d[5] | (d[7] & 0xf0) << 4;
	htotal = h + (d[3] | (d[4] & 0xf) << 8);
	vtotal = v + (d[6] | (d[7] & 0xf) << 8);
	hz = (d[0] | d[1] << 8) * 10000.0 / htotal / vtotal;
	return !sum && !memcmp(edid, "\0\xff\xff\xff\xff\xff\xff\0", 8) &&
	       edid[18] == 1 && edid[19] == 4 && !edid[126] && h == width && v == height &&
	       hz > 59.5 && hz < 60.5;
}

static void test_edid(void)
{
	uint8_t edid[EDID_SIZE];

	EXPECT(edid_says(64, 64) && edid_says(640, 480) && edid_says(1366, 768));
	EXPECT(edid_says(1920, 1080) && edid_says(3440, 1440) && edid_says(3840, 2160));
	EXPECT(edid_make(edid, 5120, 2880) == -EOPNOTSUPP);	/* width has 12 bits */
	EXPECT(edid_make(edid, 1024, 4096) == -EOPNOTSUPP);
	EXPECT(edid_make(edid, 4095, 4095) == -EOPNOTSUPP);	/* clock has 16 bits */
	EXPECT(edid_make(edid, 0, 480) == -EOPNOTSUPP);
}

static void test_prng(void)
{
	struct prng a = { 7 }, b = { 7 }, other = { 8 };
	unsigned int seen[10] = { 0 };
	uint8_t bytes[16] = { 0 };

	/* SplitMix64's own first number for the seed 0. */
	EXPECT(prng_next(&(struct prng){ 0 }) == 0xe220a8397b1dcdaf);
	EXPECT(prng_next(&a) == prng_next(&b));
	EXPECT(prng_next(&a) != prng_next(&other));
	for (int i = 0; i < 1000; i++)
		seen[prng_below(&a, 10)]++;
	for (int i = 0; i < 10; i++)
		EXPECT(seen[i] > 50 && seen[i] < 150);
	EXPECT(!prng_below(&a, 1));
	prng_fill(&a, bytes, 13);
	EXPECT(!bytes[13] && !bytes[14] && !bytes[15]);
}

/* All that a mutator is given and can change. */
struct mutated {
	struct xendispl_resp mild, bad;
	struct xendispl_evt evt;
	uint8_t edid[1024];
	uint32_t edid_size, page[1024], index;
	const char *state, *versions;
};

static void mutate_all(struct prng *prng, struct mutated *m)
{
	memset(m, 0, sizeof(*m));
	m->mild.id = 5;
	m->mild.operation = XENDISPL_OP_PG_FLIP;
	m->bad = m->mild;
	mutate_reply_mildly(prng, &m->mild);
	mutate_reply_badly(prng, &m->bad);
	mutate_event(prng, &m->evt, 9);
	edid_make(m->edid, 1024, 768);
	m->edid_size = EDID_SIZE;
	mutate_edid(prng, m->edid, sizeof(m->edid), &m->edid_size);
	mutate_directory(prng, m->page, 700);
	m->index = mutate_index(prng, 40);
	m->state = mutate_state(prng);
	m->versions = mutate_versions(prng);
}

static void test_mutators_replay(void)
{
	struct prng a = { 3 }, b = { 3 }, other = { 4 };
	struct mutated first, second, third;
	unsigned int differ = 0;

	for (int i = 0; i < 500; i++) {
		mutate_all(&a, &first);
		mutate_all(&b, &second);
		mutate_all(&other, &third);
		EXPECT(!memcmp(&first, &second, sizeof(first)));
		differ += memcmp(&first, &third, sizeof(first)) != 0;
	}
	EXPECT(differ == 500);
}

/* A mild reply is one that the frontend must take for an answer; a bad one is not. */
static void test_mutators_keep_their_word(void)
{
	unsigned int bad = 0, odd_status = 0;
	struct prng prng = { 5 };
	struct mutated m;

	for (int i = 0; i < 1000; i++) {
		mutate_all(&prng, &m);
		EXPECT(m.mild.id == 5 && m.mild.operation == XENDISPL_OP_PG_FLIP);
		odd_status += m.mild.status != 0;
		bad += m.bad.id != 5 || m.bad.operation != XENDISPL_OP_PG_FLIP;
		for (int at = 701; at < 1024; at++)
			EXPECT(!m.page[at]);
		EXPECT(strchr(m.versions, '1') || strchr(m.versions, '2'));
	}
	EXPECT(bad >= 999);	/* all random may be right by chance */
	EXPECT(odd_status > 100 && odd_status < 400);
}

#define STATES (XenbusStateReconfigured + 1)

/* A letter for each state of the frontend from 0 on: the step. */
static bool steps_are(int be, const char *expected)
{
	char got[STATES + 1] = { 0 };

	for (int fe = 0; fe < STATES; fe++)
		got[fe] = "-wbr"[states_step(be, fe)];
	if (!strcmp(got, expected))
		return true;
	printf("  got %s, expected %s\n", got, expected);
	return false;
}

/* - nothing, w InitWait, b bind, r return */
static void test_states(void)
{
	static const char *const expected[STATES] = {
		[XenbusStateUnknown] = "---------",
		[XenbusStateInitialising] = "-w-bb----",
		[XenbusStateInitWait] = "---bb----",
		[XenbusStateInitialised] = "---------",
		[XenbusStateConnected] = "-r---rr--",
		[XenbusStateClosing] = "---------",
		[XenbusStateClosed] = "-w-------",
		[XenbusStateReconfiguring] = "---------",
		[XenbusStateReconfigured] = "---------",
	};

	for (int be = 0; be < STATES; be++)
		EXPECT(steps_are(be, expected[be]));
}

static const struct check other_checks[] = {
	{ "pixel formats", test_formats },
	{ "composing a picture", test_compose },
	{ "crc of a picture", test_crc },
	{ "stride", test_stride },
	{ "edid", test_edid },
	{ "random numbers", test_prng },
	{ "states", test_states },
	{ "mutators: the same seed gives the same bytes", test_mutators_replay },
	{ "mutators: what may be changed", test_mutators_keep_their_word },
	{ NULL, NULL }
};

static void run_all(const struct check *check)
{
	for (; check->name; check++) {
		all_ok = true;
		check->run();
		if (all_ok)
			passed++;
		else
			failed++;
		printf("%s %s\n", all_ok ? "ok" : "FAILED", check->name);
	}
}

int main(void)
{
	run_all(conform_checks);
	run_all(other_checks);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
