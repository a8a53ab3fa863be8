// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Threads of attacks: what has to happen while the frontend looks. */
#include <pthread.h>
#include <stdlib.h>

#include "attack.h"

static struct worker *workers;

static bool goes_on(const struct worker *worker)
{
	const struct attack *attack = worker->attack;

	return !__atomic_load_n(&worker->stop, __ATOMIC_ACQUIRE) &&
	       !(attack->end_ns && now_ns() >= attack->end_ns);
}

static void *work(void *data)
{
	struct worker *worker = data;

	while (goes_on(worker))
		for (int i = 0; i < 100; i++)
			worker->attack->kind->spin(worker);
	return NULL;
}

void workers_start(struct attack *attack, struct connector *conn)
{
	static uint64_t serial;
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return;
	worker->attack = attack;
	worker->conn = conn;
	worker->prng.state = ++serial;
	if (pthread_create(&worker->thread, NULL, work, worker)) {
		log_error("cannot start a thread for attack %s", attack->kind->name);
		free(worker);
		return;
	}
	conn->dev->attacked = true;
	worker->next = workers;
	workers = worker;
}

/* Those of the attack, or of the connection; NULL is any. */
void workers_stop(const struct attack *attack, const struct connector *conn)
{
	struct worker **link = &workers;

	while (*link) {
		struct worker *worker = *link;

		if ((attack && worker->attack != attack) || (conn && worker->conn != conn)) {
			link = &worker->next;
			continue;
		}
		__atomic_store_n(&worker->stop, true, __ATOMIC_RELEASE);
		pthread_join(worker->thread, NULL);
		*link = worker->next;
		free(worker);
	}
}
