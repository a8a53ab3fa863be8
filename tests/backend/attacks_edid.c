// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Attacks by what GET_EDID gives. An EDID is offered while one is armed. */
#include "attack.h"

static enum verdict edid_size(struct attack *attack, struct connector *conn, uint8_t *edid,
			      uint32_t room, uint32_t *size)
{
	static const uint32_t sizes[] = { 0, 1, 127, 129, 32769, 32768 + 128, 65536, UINT32_MAX };

	(void)conn;
	(void)edid;
	(void)room;
	*size = attack->args.has_value ? (uint32_t)attack->args.value :
		sizes[attack->fired % ARRAY_SIZE(sizes)];
	return CHANGED;
}

static enum verdict edid_checksum(struct attack *attack, struct connector *conn, uint8_t *edid,
				  uint32_t room, uint32_t *size)
{
	(void)attack;
	(void)conn;
	(void)room;
	edid[*size - 1]++;
	return CHANGED;
}

static void fix_checksum(uint8_t *block)
{
	block[127] = 0;
	for (unsigned int i = 0; i < 127; i++)
		block[127] -= block[i];
}

/* More extensions, or fewer, than there are blocks. */
static enum verdict edid_extensions(struct attack *attack, struct connector *conn, uint8_t *edid,
				    uint32_t room, uint32_t *size)
{
	static const struct {
		uint8_t claimed;
		uint32_t blocks;
	} lies[] = { { 255, 1 }, { 1, 1 }, { 0, 256 }, { 255, 256 }, { 3, 2 } };
	unsigned int lie = attack->fired % ARRAY_SIZE(lies);

	(void)conn;
	*size = lies[lie].blocks * XENDISPL_EDID_BLOCK_SIZE;
	if (*size > room)
		return PASSED;
	edid[126] = lies[lie].claimed;
	fix_checksum(edid);
	for (uint32_t at = 128; at < *size; at += 128) {
		prng_fill(&attack->prng, edid + at, 128);
		edid[at] = prng_one_in(&attack->prng, 2) ? 0x02 : 0x70;	/* CTA, DisplayID */
		fix_checksum(edid + at);
	}
	return CHANGED;
}

/* Behind a right header and with right checksums, so that all of it is parsed. */
static enum verdict edid_random(struct attack *attack, struct connector *conn, uint8_t *edid,
				uint32_t room, uint32_t *size)
{
	(void)conn;
	(void)room;
	prng_fill(&attack->prng, edid + 20, 107);
	edid[126] = 0;
	fix_checksum(edid);
	*size = 128;
	return CHANGED;
}

static enum verdict change_edid(struct attack *attack, struct device *dev)
{
	(void)dev;
	kept_scribble(&attack->prng, KEEP_EDID);
	return CHANGED;
}

struct attack_kind attacks_edid[] = {
	{ "edid-size", "X9", "an EDID's size is each wrong one in turn, or value",
	  TAKES_COUNT | TAKES_VALUE, .edid = edid_size },
	{ "edid-checksum", "X9", "an EDID's checksum is wrong", TAKES_COUNT,
	  .edid = edid_checksum },
	{ "edid-extensions", "X9", "an EDID has other than the claimed number of random extensions",
	  TAKES_COUNT, .edid = edid_extensions },
	{ "edid-random", "X9", "an EDID is random behind its header, with a right checksum",
	  TAKES_COUNT, .edid = edid_random },
	{ "edid-keep", "G2", "pages for the EDID stay mapped", TAKES_COUNT,
	  .keeps = 1u << KEEP_EDID },
	{ "edid-changing", "X9", "EDID pages stay mapped and change all the time", TAKES_MS,
	  .keeps = 1u << KEEP_EDID, .tick_device = change_edid, .tick_ms = 5 },
	{ 0 }
};
