/* control: the columns of list's plain output.  One table of them drives header, help and
 * selection. */
#include "control/columns.h"

#include "control/human.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

static void write_connection(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	(void)member;
	snprintf(out, COLUMN_TEXT_MAX, "%s", listing->connection->id);
}

static void write_user(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	const struct connection *connection = &listing->connection->connection;

	(void)member;
	escape_text(connection->user, sizeof(connection->user), out, COLUMN_TEXT_MAX);
}

static void write_uid(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	(void)member;
	snprintf(out, COLUMN_TEXT_MAX, "%lu", (unsigned long)listing->connection->connection.uid);
}

static void write_address(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	const struct connection *connection = &listing->connection->connection;

	(void)member;
	escape_text(connection->address, sizeof(connection->address), out, COLUMN_TEXT_MAX);
}

static void write_monitor(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	(void)member;
	snprintf(out, COLUMN_TEXT_MAX, "%ld", (long)listing->connection->connection.monitor.pid);
}

static void write_deadline(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	(void)member;
	if (listing->plan.drain != POLICY_DRAIN_UNSET)
		human_span(human_since(listing->now_ns, listing->plan.deadline_ns), out);
}

static void write_pid(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	(void)listing;
	if (member != NULL && member->id.pid > 0)
		snprintf(out, COLUMN_TEXT_MAX, "%ld", (long)member->id.pid);
}

/* A connection without sessions has a state of its own. */
static void write_state(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	snprintf(out, COLUMN_TEXT_MAX, "%s",
	    member != NULL ? listing_member_state(member->state) : listing->state);
}

static void write_started(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	if (member != NULL && member->joined_ns != 0)
		human_span(human_since(member->joined_ns, listing->now_ns), out);
}

static void write_idle(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	if (member != NULL)
		human_span(listing_idle_ns(listing, member), out);
}

static void write_read(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	(void)listing;
	if (member != NULL)
		human_size(member->read_bytes, out);
}

static void write_written(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	(void)listing;
	if (member != NULL)
		human_size(member->written_bytes, out);
}

static void write_requests(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	(void)listing;
	if (member != NULL)
		snprintf(out, COLUMN_TEXT_MAX, "%" PRIu64, member->requests);
}

/* How far a file is: a share of what is read; of an upload, whose end nobody knows, the amount. */
static void write_progress(const struct member_file *file, char out[HUMAN_TEXT_MAX])
{
	/* Both numbers are hostile: offset * 100 could overflow. */
	if (file->direction != FILE_READ || file->size == 0)
		human_size(file->offset, out);
	else if (file->offset >= file->size)
		snprintf(out, HUMAN_TEXT_MAX, "100%%");
	else
		snprintf(
		    out, HUMAN_TEXT_MAX, "%.0f%%", (double)file->offset / (double)file->size * 100);
}

static void write_files(
    const struct listing *listing, const struct member *member, char out[COLUMN_TEXT_MAX])
{
	char progress[HUMAN_TEXT_MAX], more[32] = "";
	const struct member_file *file;
	size_t used;

	(void)listing;
	if (member == NULL || member->file_count == 0)
		return;
	file = &member->files[0];
	if (member->file_count > 1)
		snprintf(more, sizeof(more), " + %zu more", member->file_count - 1);
	write_progress(file, progress);
	escape_text(file->path, sizeof(file->path), out, FILE_PATH_MAX * ESCAPE_GROWTH);
	used = strlen(out);
	snprintf(out + used, COLUMN_TEXT_MAX - used, " %s%s", progress, more);
}

/* The one table. */
static const struct column columns[] = {
    {"CONNECTION", "the connection's ID", true, false, write_connection},
    {"USER", "the user's name", true, false, write_user},
    {"UID", "the user's number", false, true, write_uid},
    {"ADDRESS", "the client's address", true, false, write_address},
    {"MONITOR", "process of the connection's sshd", false, true, write_monitor},
    {"PID", "process of the session", true, true, write_pid},
    {"STATE", "state of the session, or of a connection without one", true, false, write_state},
    {"STARTED", "time since the session began", false, true, write_started},
    {"IDLE", "time since its last request", true, true, write_idle},
    {"DEADLINE", "time to the forced end, where an order applies", false, true, write_deadline},
    {"READ", "bytes that the client has read", true, true, write_read},
    {"WRITTEN", "bytes that the client has written", true, true, write_written},
    {"REQUESTS", "requests carried out", false, true, write_requests},
    {"FILES", "what is being moved, and how far it is", true, false, write_files},
};
static const size_t column_count = sizeof(columns) / sizeof(columns[0]);

static const struct column *find_column(const char *name, size_t length)
{
	for (size_t i = 0; i < column_count; i++) {
		if (strlen(columns[i].name) == length &&
		    strncasecmp(name, columns[i].name, length) == 0)
			return &columns[i];
	}
	return NULL;
}

int columns_choose(
    const char *names, struct column_choice *choice, const char **bad, size_t *bad_length)
{
	choice->count = 0;
	for (size_t i = 0; names == NULL && i < column_count; i++) {
		if (columns[i].is_default)
			choice->columns[choice->count++] = &columns[i];
	}
	while (names != NULL) {
		size_t length = strcspn(names, ",");
		const struct column *column = find_column(names, length);

		*bad = names;
		*bad_length = length;
		if (column == NULL)
			return -ENOENT;
		if (choice->count == COLUMNS_MAX)
			return -E2BIG;
		choice->columns[choice->count++] = column;
		names = names[length] == ',' ? names + length + 1 : NULL;
	}
	return 0;
}

void columns_print_help(FILE *out)
{
	for (size_t i = 0; i < column_count; i++)
		fprintf(out, "  %c %-10s  %s\n", columns[i].is_default ? '*' : ' ', columns[i].name,
		    columns[i].help);
}
