/* control: ending the connections that an order finds without a session.  Runs as root: what it signals
 * is a process that the table leads to, never one that a members file names. */
#include "control/idle.h"

#include "control/orders.h"
#include "util/clock.h"
#include "util/proc.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For all that are met on their way out, together. */
static const uint64_t going_limit_ns = 100 * NS_PER_MS;
static const uint64_t tick_ns = 2 * NS_PER_MS;

struct idle_walk {
	struct orders orders;
	size_t ended;
	uint64_t waited_ns;
};

/* The process that serves the connection for its user: the monitor's only child, which has its name; or
 * the monitor itself, where sshd does not separate privileges (root's logins before OpenSSH 9.8).  -ESRCH:
 * there is none, or there is something else. */
static int find_sshd(const struct connection *connection, struct proc_id *out)
{
	struct proc_stat monitor, child;
	pid_t pid;
	size_t count;
	uid_t uid;
	int rc = proc_read_stat(connection->monitor.pid, &monitor);

	if (rc == 0)
		rc = proc_read_children(connection->monitor.pid, &pid, 1, &count);
	if (rc != 0)
		return rc;
	if (count == 0 && connection->uid == 0) {
		*out = connection->monitor;
		return 0;
	}
	if (count != 1)
		return -ESRCH;
	rc = proc_read_stat(pid, &child);
	if (rc == 0)
		rc = proc_read_uid(pid, &uid);
	if (rc != 0 || uid != connection->uid || child.parent != monitor.id.pid ||
	    strcmp(child.comm, monitor.comm) != 0)
		return -ESRCH;
	*out = child.id;
	return 0;
}

/* With the monitor pinned, so that its pid stays its own. */
static bool end_sshd(const struct connection *connection, int signal)
{
	struct proc_id sshd;
	pid_t child;
	size_t children;
	bool done;
	int pin;

	if (find_sshd(connection, &sshd) != 0 || proc_pin(sshd, &pin) != 0)
		return false;
	/* The monitor has PAM sessions to end. */
	done = (signal != SIGKILL || sshd.pid != connection->monitor.pid) &&
	       proc_read_children(sshd.pid, &child, 1, &children) == 0 && children == 0 &&
	       proc_signal(pin, signal) == 0;
	close(pin);
	return done;
}

bool idle_end_connection(const struct connection *connection, int signal)
{
	bool done;
	int monitor;

	if (proc_pin(connection->monitor, &monitor) != 0)
		return false;
	done = end_sshd(connection, signal) && !proc_pin_ended(monitor);
	close(monitor);
	return done;
}

/* Whether sessions have been on it and are no more, and no guard is there that will see to its end.  The last
 * one, or its closer, may have looked at the orders before this one was given, and be about to go. */
static bool was_left(struct idle_walk *walk, const struct members_reader *reader)
{
	while (walk->waited_ns < going_limit_ns && members_any_unlisted(reader)) {
		clock_sleep_ns(tick_ns);
		walk->waited_ns += tick_ns;
	}
	return members_ever_joined(reader) && !members_any(reader) && !members_is_guarded(reader);
}

static int visit(const struct scope *scope, struct scope_connection *found, void *context)
{
	const struct connection *connection = &found->connection;
	struct idle_walk *walk = context;

	if (found->advisory || connection->state != ENTRY_OPEN ||
	    orders_plan(&walk->orders, connection).drain == POLICY_DRAIN_UNSET ||
	    scope_open_reader(scope, found) != 0 || !was_left(walk, &found->reader))
		return 0;
	if (idle_end_connection(connection, SIGTERM))
		walk->ended++;
	return 0;
}

int idle_end(struct scope *scope, size_t *ended)
{
	struct idle_walk *walk = calloc(1, sizeof(*walk));
	int rc = walk == NULL ? -ENOMEM
			      : orders_read(scope->has_table ? &scope->table : NULL, &walk->orders);

	if (rc == 0)
		rc = scope_walk(scope, visit, walk);
	*ended = walk == NULL ? 0 : walk->ended;
	free(walk);
	return rc;
}
