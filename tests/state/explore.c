// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * explore [DEPTH]: visit each state that can be reached by that many actions, 0 for
 * all, and tell the shortest way to one that breaks a rule.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#include "xen_drm_front_state.h"

#define MAX_STATES	(24u << 20)
#define TABLE_SIZE	(64u << 20)
#define NOBODY		UINT32_MAX

static struct visited {
	struct model model;
	uint32_t from;
	uint16_t depth;
	uint16_t action;
} *visited;
static uint32_t num_visited, *table;
static enum who who;

static uint64_t hash(const struct model *model)
{
	const uint8_t *bytes = (const uint8_t *)model;
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < sizeof(*model); i++)
		h = (h ^ bytes[i]) * 0x100000001b3;
	return h ^ h >> 29;
}

/* Returns whether the state is new. */
static bool visit(const struct model *model, uint32_t from, unsigned int depth, int action)
{
	uint64_t slot = hash(model) % TABLE_SIZE;

	for (; table[slot] != NOBODY; slot = (slot + 1) % TABLE_SIZE)
		if (!memcmp(&visited[table[slot]].model, model, sizeof(*model)))
			return false;
	if (num_visited == MAX_STATES) {
		fprintf(stderr, "explore: more than %u states\n", MAX_STATES);
		exit(2);
	}
	table[slot] = num_visited;
	visited[num_visited++] = (struct visited) { *model, from, depth, action };
	return true;
}

static void print_model(const struct model *m)
{
	printf("own %d/%d backend %d%s noted %d%s%s%s%s%s%s%s", m->own, m->store, m->backend,
	       m->offline ? " offline" : "", m->noted, m->noted_offline ? " offline" : "",
	       m->conn ? " conn" : "", m->broken ? " broken" : "",
	       m->joined ? " joined" : "", m->retired ? " retired" : "",
	       m->held_off ? " held off" : "", m->misconfigured ? " misconfigured" : "");
	if (m->pending)
		printf(" wanted %d", m->wanted);
	if (m->step)
		printf(" step %d then %d", m->step, m->then);
	if (m->xenwatch)
		printf(" xenwatch %d writes %d", m->xenwatch, m->writes);
	printf("\n");
}

static void print_way(uint32_t to)
{
	struct model model;
	enum rule broken;
	const char *name;

	if (visited[to].from == NOBODY) {
		printf("        at first: ");
	} else {
		print_way(visited[to].from);
		model_next(&visited[visited[to].from].model, who, visited[to].action, &model,
			   &name, &broken);
		printf("        %s: ", name);
	}
	print_model(&visited[to].model);
}

static unsigned int failures[NUM_RULES];

static void judge(enum rule rule, uint32_t where, const char *action)
{
	if (!rule || failures[rule]++)
		return;
	printf("FAILED  %s\n", rules[rule]);
	print_way(where);
	if (action)
		printf("        %s\n", action);
}

static void visit_all_from(uint32_t from, unsigned int max_depth)
{
	struct model to, model = visited[from].model;
	unsigned int depth = visited[from].depth;
	enum rule broken;
	const char *name;
	int n;

	judge(model_check(&model), from, NULL);
	judge(model_ends_well(&model, who), from, "and then nothing comes of it");
	if (max_depth && depth == max_depth)
		return;
	for (n = 0; (n = model_next(&model, who, n, &to, &name, &broken)) >= 0; n++) {
		judge(broken, from, name);
		visit(&to, from, depth + 1, n);
	}
}

/* Returns how many rules have been broken. */
static unsigned int explore(enum who backend, bool old_core, const char *name,
			    unsigned int max_depth)
{
	struct model start = model_start(old_core);
	unsigned int rule, broken = 0;
	uint32_t i;

	who = backend;
	num_visited = 0;
	memset(table, 0xff, TABLE_SIZE * sizeof(*table));
	memset(failures, 0, sizeof(failures));
	visit(&start, NOBODY, 0, 0);
	model_run_until(&start, XenbusStateInitialised);
	visit(&start, NOBODY, 0, 0);
	model_run_until(&start, XenbusStateConnected);
	visit(&start, NOBODY, 0, 0);
	for (i = 0; i < num_visited; i++)
		visit_all_from(i, max_depth);
	for (rule = 1; rule < NUM_RULES; rule++)
		broken += failures[rule] != 0;
	printf("%s  %s: %u states, %u actions deep\n", broken ? "FAILED" : "ok    ", name,
	       num_visited, visited[num_visited - 1].depth);
	return broken;
}

int main(int argc, char **argv)
{
	unsigned int depth = argc > 1 ? atoi(argv[1]) : 12, failed;

	visited = malloc(MAX_STATES * sizeof(*visited));
	table = malloc(TABLE_SIZE * sizeof(*table));
	if (!visited || !table)
		return 2;
	failed = explore(WHO_ANYBODY, false, "a backend that writes anything", depth);
	failed += explore(WHO_ANYBODY, true, "the same, and the core of 6.12", depth);
	failed += explore(WHO_DEPLOYED, false, "the deployed backend", depth);
	failed += explore(WHO_DEPLOYED, true, "the same, and the core of 6.12", depth);
	printf("%u passed, %u failed, 0 skipped\n", 4 * (NUM_RULES - 1) - failed, failed);
	return failed != 0;
}
