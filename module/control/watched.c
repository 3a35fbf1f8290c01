/* control: one connection that is being waited for, and the processes that its end depends on.
 * What its members file says is its user's word: it decides what is pinned, never what is live,
 * which the kernel's locks and the table say. */
#include "control/watched.h"

#include "util/escape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A user can spoil his own members file, put a lease on it, or mount something over it; all but our own
 * troubles is his doing.  Then nobody can tell who is left, so the connection counts as live as long as
 * the table has it; it must not end the waiting for all others.  Root is denied nothing but by him. */
static bool is_spoilt(int rc)
{
	return (rc != -EACCES || geteuid() == 0) && rc != -EMFILE && rc != -ENFILE && rc != -ENOMEM;
}

/* Opens the members file if it is not open. */
static int open_reader(
    struct watched *watched, const struct scope *scope, struct scope_connection *found)
{
	int rc;

	if (watched->reader.fd >= 0)
		return 0;
	rc = scope_open_reader(scope, found);
	watched->reader_error = rc == -ENOENT ? 0 : rc;
	if (rc != 0)
		return rc == -ENOENT || is_spoilt(rc) ? 0 : rc;
	watched->reader = found->reader;
	found->reader.fd = -1;
	return 0;
}

/* Who had ended before the waiting began. */
static void read_first(struct watched *watched, uint64_t since_ns)
{
	bool is_new = !watched->advisory && watched->connection.opened_ns >= since_ns;

	if (is_new || watched->reader.fd < 0 ||
	    members_read_ended(&watched->reader, &watched->first) != 0)
		watched->first = (struct members_ended){0, 0};
}

int watched_new(const struct scope *scope, struct scope_connection *found, uint64_t since_ns,
    struct watched **out)
{
	struct watched *watched = calloc(1, sizeof(*watched));
	int rc;

	if (watched == NULL)
		return -ENOMEM;
	snprintf(watched->id, sizeof(watched->id), "%s", found->id);
	watched->advisory = found->advisory;
	watched->reader.fd = -1;
	watched->monitor_fd = -1;
	watched->connection = found->connection;
	watched->found = true;
	rc = open_reader(watched, scope, found);
	if (rc != 0) {
		free(watched);
		return rc;
	}
	read_first(watched, since_ns);
	*out = watched;
	return 0;
}

static void drop_pin(struct watched *watched, struct watch_fds *fds, size_t index)
{
	close(watched->pins[index].fd);
	watched->pins[index] = watched->pins[--watched->pin_count];
	fds->pins--;
}

static void drop_monitor(struct watched *watched, struct watch_fds *fds)
{
	if (watched->monitor_fd < 0)
		return;
	close(watched->monitor_fd);
	watched->monitor_fd = -1;
	fds->pins--;
}

void watched_free(struct watched *watched, struct watch_fds *fds)
{
	while (watched->pin_count > 0)
		drop_pin(watched, fds, watched->pin_count - 1);
	drop_monitor(watched, fds);
	members_reader_close(&watched->reader);
	free(watched->pins);
	free(watched);
}

bool watched_is(const struct watched *watched, const struct scope_connection *found)
{
	struct stat own, other;

	return !watched->advisory ||
	       (fstat(watched->reader.fd, &own) == 0 && fstat(found->reader.fd, &other) == 0 &&
		   own.st_dev == other.st_dev && own.st_ino == other.st_ino);
}

void watched_update(
    struct watched *watched, const struct scope *scope, struct scope_connection *found)
{
	watched->found = true;
	watched->abandoned = watched->monitor_ended;
	watched->connection = found->connection;
	(void)open_reader(watched, scope, found);
}

/* An ended process's pidfd is readable for ever: polled again, it would keep us spinning. */
static void drop_ended(struct watched *watched, struct watch_fds *fds)
{
	for (size_t i = watched->pin_count; i-- > 0;) {
		if (proc_pin_ended(watched->pins[i].fd))
			drop_pin(watched, fds, i);
	}
	if (watched->monitor_fd >= 0 && proc_pin_ended(watched->monitor_fd)) {
		drop_monitor(watched, fds);
		watched->monitor_ended = true;
	}
}

static bool is_pinned(const struct watched *watched, const struct member *member)
{
	for (size_t i = 0; i < watched->pin_count; i++) {
		const struct watched_pin *pin = &watched->pins[i];

		if (pin->row == member->row && pin->id.pid == member->id.pid &&
		    pin->id.start == member->id.start)
			return true;
	}
	return false;
}

/* What cannot be pinned is asked after at short intervals instead. */
static int pin_member(struct watched *watched, struct watch_fds *fds, const struct member *member)
{
	struct watched_pin pin = {.row = member->row, .id = member->id};

	if (is_pinned(watched, member))
		return 0;
	if (watched->pin_count == watched->pin_space) {
		size_t space = watched->pin_space == 0 ? 4 : 2 * watched->pin_space;
		struct watched_pin *pins = reallocarray(watched->pins, space, sizeof(*pins));

		if (pins == NULL)
			return -ENOMEM;
		watched->pins = pins;
		watched->pin_space = space;
	}
	if (fds->pins >= fds->pins_max || members_pin(&watched->reader, member, &pin.fd) != 0) {
		fds->loose++;
		return 0;
	}
	watched->pins[watched->pin_count++] = pin;
	fds->pins++;
	return 0;
}

static int pin_members(struct watched *watched, struct watch_fds *fds)
{
	struct member member;
	size_t rows = 0;
	int rc = 0;

	members_rewind(&watched->reader);
	while (rc == 0 && members_next(&watched->reader, &member) == 1) {
		rows++;
		rc = pin_member(watched, fds, &member);
	}
	/* Somebody joins or leaves: his membership is there and his row is not. */
	if (rows == 0)
		fds->loose++;
	return rc;
}

static void pin_monitor(struct watched *watched, struct watch_fds *fds)
{
	int rc;

	if (watched->monitor_fd >= 0 || watched->monitor_ended)
		return;
	rc = fds->pins < fds->pins_max ? proc_pin(watched->connection.monitor, &watched->monitor_fd)
				       : -EMFILE;
	if (rc == 0)
		fds->pins++;
	else if (rc == -ESRCH || !proc_is_alive(watched->connection.monitor))
		watched->monitor_ended = true;
	else
		fds->loose++;
}

/* With no member left: whether the connection itself is still on its way out.  The TCP connection
 * ends with its monitor, so the monitor's end is what counts. */
static bool is_ending(struct watched *watched, uint64_t now_ns)
{
	bool in_table = watched->found && !watched->advisory;
	bool released = !watched->found && !watched->advisory;

	if (watched->monitor_ended)
		return false;
	if (in_table &&
	    (watched->connection.state == ENTRY_CLOSING || watched->reader_error != 0)) {
		watched->ending_ns = 0;
		return true;
	}
	if (!watched->was_live)
		return false;
	if (watched->ending_ns == 0)
		watched->ending_ns = now_ns;
	/* Only its user says that it is closing: at worst the wait is some seconds longer for it. */
	if (released || members_is_closing(&watched->reader))
		return now_ns - watched->ending_ns < WATCHED_ENDING_NS;
	if (force_is_ending(&watched->force, now_ns))
		return true;
	/* Its last session was killed, perhaps, and the guard is about to begin. */
	return now_ns - watched->ending_ns < WATCHED_GUARD_NS &&
	       members_is_guarded(&watched->reader);
}

int watched_refresh(struct watched *watched, struct watch_fds *fds, uint64_t now_ns)
{
	bool members = watched->reader.fd >= 0 && members_any(&watched->reader);
	int rc = 0;

	drop_ended(watched, fds);
	if (members) {
		watched->ending_ns = 0;
		rc = pin_members(watched, fds);
	}
	watched->live = members || is_ending(watched, now_ns);
	/* A guard shows itself by the membership, not by an end. */
	if (!members && watched->live && members_is_guarded(&watched->reader))
		fds->loose++;
	if (watched->live) {
		watched->was_live = true;
		pin_monitor(watched, fds);
		/* It may have been gone before it could be pinned. */
		watched->live = members || !watched->monitor_ended;
	}
	return rc;
}

static uint32_t more_of(uint32_t under, uint32_t now, uint32_t first, bool counted)
{
	uint32_t since = now > first ? now - first : 0;
	uint32_t all = under > since ? under : since;

	return counted ? all - under : all;
}

void watched_read_ended(const struct watched *watched, enum order_scope scope, uint64_t issued_ns,
    struct members_ended *out)
{
	const struct order *own = &watched->connection.order;
	/* The module has added them to the order's tally before the entry was freed. */
	bool counted =
	    issued_ns != 0 && !watched->advisory && !watched->found && !watched->abandoned;
	struct members_ended now = {0, 0}, under = {0, 0};

	*out = (struct members_ended){0, 0};
	if (watched->reader.fd < 0 || members_read_ended(&watched->reader, &now) != 0)
		return;
	if (scope == SCOPE_CONNECTION && own->active)
		issued_ns = own->issued_ns;
	if (issued_ns != 0)
		(void)members_read_ended_under(&watched->reader, scope, issued_ns, &under);
	out->clean = more_of(under.clean, now.clean, watched->first.clean, counted);
	out->forced = more_of(under.forced, now.forced, watched->first.forced, counted);
}

void watched_print(struct watched *watched, FILE *out)
{
	char user[USER_NAME_MAX * ESCAPE_GROWTH];
	struct member member;
	size_t rows = 0;

	escape_text(watched->connection.user, USER_NAME_MAX, user, sizeof(user));
	if (watched->reader.fd >= 0)
		members_rewind(&watched->reader);
	while (watched->reader.fd >= 0 && members_next(&watched->reader, &member) == 1) {
		rows++;
		fprintf(out, "sftp-drain: still live: connection %s of %s: session %ld\n",
		    watched->id, user, (long)member.id.pid);
	}
	if (rows == 0)
		fprintf(out, "sftp-drain: still live: connection %s of %s: its sshd, %ld\n",
		    watched->id, user, (long)watched->connection.monitor.pid);
}
