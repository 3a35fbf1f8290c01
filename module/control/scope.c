/* control: what a target covers, and the walk over it.  Reaps nothing; changes nothing. */
#include "control/scope.h"

#include "util/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* An entry that changes is being claimed or released: both take microseconds. */
#define ENTRY_TRIES 100

static int open_table(struct scope *scope, enum scope_mode mode)
{
	int rc = mode == SCOPE_CREATE
		     ? table_open_or_create(scope->rundir, &scope->table)
		     : table_open(scope->rundir, mode == SCOPE_WRITE, &scope->table);

	scope->has_table = rc == 0;
	return rc == -ENOENT && mode != SCOPE_CREATE ? 0 : rc;
}

int scope_open(struct scope *scope, const struct options *options, const struct target *target,
    enum scope_mode mode)
{
	*scope = (struct scope){.rundir = options->rundir,
	    .shmdir = options->shmdir,
	    .config = options->config,
	    .target = *target};
	scope->table.fd = -1;
	return open_table(scope, mode);
}

void scope_close(struct scope *scope)
{
	if (scope->has_table)
		table_close(&scope->table);
	scope->has_table = false;
}

int scope_open_reader(const struct scope *scope, struct scope_connection *connection)
{
	if (connection->reader.fd >= 0)
		return 0;
	/* An advisory connection is only ever met through its open file. */
	if (connection->advisory)
		return -ENOENT;
	return members_reader_open(scope->shmdir, &connection->connection, &connection->reader);
}

static int read_slot(const struct scope *scope, uint32_t slot, struct connection *out)
{
	int rc = table_read_connection(&scope->table, slot, out);

	for (int i = 0; rc == -EAGAIN && i < ENTRY_TRIES; i++) {
		clock_sleep_ns(NS_PER_MS / 10);
		rc = table_read_connection(&scope->table, slot, out);
	}
	return rc;
}

static bool covers(const struct target *target, const struct connection *connection)
{
	switch (target->kind) {
	case TARGET_HOST:
		return true;
	case TARGET_USER:
		return connection->uid == target->uid;
	case TARGET_CONNECTION:
		return connection->ref.generation == target->connection.generation;
	case TARGET_ADVISORY:
		break;
	}
	return false;
}

static int visit_slot(const struct scope *scope, uint32_t slot, scope_visitor *visit, void *context)
{
	struct scope_connection found = {.reader = {.fd = -1}};
	char id[CONNECTION_REF_TEXT_MAX];
	int rc = read_slot(scope, slot, &found.connection);

	if (rc == -ENOENT)
		return 0;
	if (rc != 0 || !covers(&scope->target, &found.connection))
		return rc;
	snprintf(found.id, sizeof(found.id), "%s", connection_ref_format(found.connection.ref, id));
	rc = visit(scope, &found, context);
	members_reader_close(&found.reader);
	return rc;
}

static int walk_registered(const struct scope *scope, scope_visitor *visit, void *context)
{
	int rc = 0;

	if (scope->target.kind == TARGET_CONNECTION)
		return visit_slot(scope, scope->target.connection.slot, visit, context);
	for (uint32_t slot = 0; rc == 0 && slot < scope->table.header->capacity; slot++)
		rc = visit_slot(scope, slot, visit, context);
	return rc;
}

int scope_walk(struct scope *scope, scope_visitor *visit, void *context)
{
	enum target_kind kind = scope->target.kind;
	int rc = 0;

	scope->hidden = 0;
	/* The first login since the boot may have made the table in the meantime. */
	if (!scope->has_table)
		rc = open_table(scope, SCOPE_READ);
	if (rc == 0 && scope->has_table && kind != TARGET_ADVISORY)
		rc = walk_registered(scope, visit, context);
	if (rc == 0 && kind != TARGET_CONNECTION)
		rc = scope_walk_advisory(scope, visit, context);
	return rc;
}

static int wake_connection(
    const struct scope *scope, struct scope_connection *connection, void *context)
{
	struct scope_count *count = context;
	struct member member;
	size_t sessions = 0;

	if (scope_open_reader(scope, connection) != 0)
		return 0;
	members_rewind(&connection->reader);
	while (members_next(&connection->reader, &member) == 1)
		sessions++;
	(void)members_signal_all(&connection->reader, SIGURG);
	count->sessions += sessions;
	count->connections += sessions > 0;
	return 0;
}

int scope_wake(struct scope *scope, struct scope_count *count)
{
	*count = (struct scope_count){0, 0};
	return scope_walk(scope, wake_connection, count);
}
