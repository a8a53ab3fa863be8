// SPDX-License-Identifier: GPL-2.0 OR MIT
#include "edid.h"
#include "mutate.h"
#include "picture.h"

/* A status of any sort; with all else in the reply it is no breach. */
static int32_t mutate_status(struct prng *prng)
{
	static const int32_t known[] = {
		0, -1, -2, -5, -12, -13, -16, -17, -22, -28, -34, -38, -95, 1, 2, INT32_MAX,
		-4095, -4096, INT32_MIN, -4, -11, -110, -512, -513, -514, -516, -517, -529, -531,
	};

	if (prng_one_in(prng, 3))
		return prng_next(prng);
	return known[prng_below(prng, ARRAY_SIZE(known))];
}

void mutate_reply_mildly(struct prng *prng, struct xendispl_resp *resp)
{
	if (prng_one_in(prng, 4))
		resp->status = mutate_status(prng);
	prng_fill(prng, &resp->reserved, sizeof(resp->reserved));
	/* With an EDID, the size is what matters. */
	if (resp->operation != XENDISPL_OP_GET_EDID || prng_one_in(prng, 2))
		prng_fill(prng, &resp->op, sizeof(resp->op));
}

void mutate_reply_badly(struct prng *prng, struct xendispl_resp *resp)
{
	switch (prng_below(prng, 4)) {
	case 0:
		resp->id ^= 1 + prng_below(prng, 0xffff);
		break;
	case 1:
		resp->id += WIRE_RING_SLOTS * (1 + prng_below(prng, 8));
		break;
	case 2:
		resp->operation ^= 1u << prng_below(prng, 8);
		break;
	default:
		prng_fill(prng, resp, sizeof(*resp));
	}
}

static void flip_bits(struct prng *prng, void *bytes, uint32_t size, unsigned int count)
{
	while (count--)
		((uint8_t *)bytes)[prng_below(prng, size)] ^= 1u << prng_below(prng, 8);
}

void mutate_event(struct prng *prng, struct xendispl_evt *evt, uint64_t cookie)
{
	memset(evt, 0, sizeof(*evt));
	evt->id = prng_next(prng);
	evt->type = XENDISPL_EVT_PG_FLIP;
	evt->op.pg_flip.fb_cookie = cookie;
	switch (prng_below(prng, 6)) {
	case 0:
		evt->op.pg_flip.fb_cookie = prng_next(prng);
		break;
	case 1:
		evt->op.pg_flip.fb_cookie = prng_below(prng, 64);
		break;
	case 2:
		evt->op.pg_flip.fb_cookie += (int64_t)prng_below(prng, 9) - 4;
		break;
	case 3:
		evt->type = prng_next(prng);
		break;
	case 4:
		flip_bits(prng, evt, sizeof(*evt), 1 + prng_below(prng, 8));
		break;
	default:
		prng_fill(prng, evt, sizeof(*evt));
	}
}

static void fix_checksum(uint8_t *block)
{
	block[EDID_SIZE - 1] = 0;
	for (unsigned int i = 0; i < EDID_SIZE - 1; i++)
		block[EDID_SIZE - 1] -= block[i];
}

/* Random blocks, of the two sorts that are parsed furthest. */
static void add_extensions(struct prng *prng, uint8_t *edid, uint32_t room, uint32_t *size)
{
	uint32_t blocks = 1 + prng_below(prng, prng_one_in(prng, 4) ? room / EDID_SIZE - 1 : 4);

	for (uint32_t i = 1; i <= blocks; i++) {
		prng_fill(prng, edid + i * EDID_SIZE, EDID_SIZE);
		edid[i * EDID_SIZE] = prng_one_in(prng, 2) ? 0x02 : 0x70;
		if (!prng_one_in(prng, 4))
			fix_checksum(edid + i * EDID_SIZE);
	}
	edid[126] = prng_one_in(prng, 2) ? blocks : prng_next(prng);
	*size = (1 + blocks) * EDID_SIZE;
}

void mutate_edid(struct prng *prng, uint8_t *edid, uint32_t room, uint32_t *size)
{
	bool with_checksum = !prng_one_in(prng, 4);

	switch (prng_below(prng, 4)) {
	case 0:
		flip_bits(prng, edid, EDID_SIZE - 1, 1 + prng_below(prng, 16));
		break;
	case 1:
		prng_fill(prng, edid + 8, EDID_SIZE - 8);
		edid[126] = 0;
		break;
	case 2:
		if (room >= 2 * EDID_SIZE)
			add_extensions(prng, edid, room, size);
		break;
	default:
		*size = prng_one_in(prng, 2) ? prng_below(prng, room + 2) : prng_next(prng);
	}
	if (with_checksum)
		fix_checksum(edid);
}

void mutate_directory(struct prng *prng, uint32_t *page, uint32_t used)
{
	uint32_t at = 1 + prng_below(prng, used);

	switch (prng_below(prng, 5)) {
	case 0:
		page[at] = 0;
		break;
	case 1:
		page[at] = prng_next(prng);
		break;
	case 2:
		page[at] = page[1 + prng_below(prng, used)];
		break;
	case 3:
		page[0] = prng_next(prng);
		break;
	default:
		flip_bits(prng, page, (1 + used) * sizeof(*page), 1 + prng_below(prng, 32));
	}
}

uint32_t mutate_index(struct prng *prng, uint32_t right)
{
	switch (prng_below(prng, 3)) {
	case 0:
		return right + 1 + prng_below(prng, 100);
	case 1:
		return right - 1 - prng_below(prng, 100);
	default:
		return prng_next(prng);
	}
}

const char *mutate_state(struct prng *prng)
{
	static const char *const states[] = {
		"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "-1", "4294967295", "4294967300",
		"abc", "4x", " 4", "empty", "none",
	};

	return states[prng_below(prng, ARRAY_SIZE(states))];
}

const char *mutate_versions(struct prng *prng)
{
	static const char *const versions[] = {
		"1", "2", "1,2", "2,1", "1,,99999999999,x", "\x1b[2J\a\x01,1", ",1,", "-1,1", "1.0,2",
		"+2,1", "4294967297,1", "%s%n%x,2", "0,1,3", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2",
	};

	return versions[prng_below(prng, ARRAY_SIZE(versions))];
}
