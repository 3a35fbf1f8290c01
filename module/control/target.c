/* control: whom a command is for, as the operator writes it.  Looks users up; touches no table. */
#include "control/target.h"

#include "util/escape.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

int target_parse_uid(const char *text, uid_t *uid)
{
	char again[16];
	uint32_t value;

	/* Signs, leading zeros, overflow and what follows do not come back the same. */
	if (sscanf(text, "%" SCNu32, &value) != 1)
		return -EINVAL;
	snprintf(again, sizeof(again), "%" PRIu32, value);
	if (strcmp(again, text) != 0 || value == UINT32_MAX)
		return -EINVAL;
	*uid = (uid_t)value;
	return 0;
}

bool target_is_advisory_name(const char *name)
{
	char again[CONNECTION_REF_TEXT_MAX];
	uint64_t start;
	uint32_t pid;

	if (sscanf(name, "%" SCNu32 ".%" SCNu64, &pid, &start) != 2 || pid == 0 || pid > INT32_MAX)
		return false;
	snprintf(again, sizeof(again), "%" PRIu32 ".%" PRIu64, pid, start);
	return strcmp(again, name) == 0;
}

static int parse_user(const char *name, struct target *out)
{
	const struct passwd *entry;

	if (name[0] == '\0' || strlen(name) >= sizeof(out->user))
		return -EINVAL;
	out->kind = TARGET_USER;
	snprintf(out->user, sizeof(out->user), "%s", name);
	entry = getpwnam(name);
	if (entry != NULL) {
		out->uid = entry->pw_uid;
		return 0;
	}
	/* An account that was removed may still be connected. */
	if (target_parse_uid(name, &out->uid) != 0)
		return -ENOENT;
	entry = getpwuid(out->uid);
	if (entry != NULL)
		snprintf(out->user, sizeof(out->user), "%s", entry->pw_name);
	return 0;
}

static int parse_connection(const char *id, struct target *out)
{
	const char *slash = strchr(id, '/');
	char uid[16];

	if (slash == NULL) {
		out->kind = TARGET_CONNECTION;
		return connection_ref_parse(id, &out->connection);
	}
	out->kind = TARGET_ADVISORY;
	if ((size_t)(slash - id) >= sizeof(uid) || !target_is_advisory_name(slash + 1))
		return -EINVAL;
	snprintf(uid, sizeof(uid), "%.*s", (int)(slash - id), id);
	snprintf(out->name, sizeof(out->name), "%s", slash + 1);
	return target_parse_uid(uid, &out->uid);
}

int target_parse(const char *text, struct target *out)
{
	static const char user[] = "user=", connection[] = "connection=";

	*out = (struct target){.kind = TARGET_HOST};
	if (strcmp(text, "host") == 0)
		return 0;
	if (strncmp(text, user, sizeof(user) - 1) == 0)
		return parse_user(text + sizeof(user) - 1, out);
	if (strncmp(text, connection, sizeof(connection) - 1) == 0)
		return parse_connection(text + sizeof(connection) - 1, out);
	return -EINVAL;
}

char *target_format(const struct target *target, char out[TARGET_TEXT_MAX])
{
	char text[USER_NAME_MAX * ESCAPE_GROWTH];

	switch (target->kind) {
	case TARGET_HOST:
		snprintf(out, TARGET_TEXT_MAX, "host");
		break;
	case TARGET_USER:
		escape_text(target->user, sizeof(target->user), text, sizeof(text));
		snprintf(out, TARGET_TEXT_MAX, "user=%s", text);
		break;
	case TARGET_CONNECTION:
		connection_ref_format(target->connection, text);
		snprintf(out, TARGET_TEXT_MAX, "connection=%s", text);
		break;
	case TARGET_ADVISORY:
		snprintf(out, TARGET_TEXT_MAX, "connection=%lu/%s", (unsigned long)target->uid,
		    target->name);
		break;
	}
	return out;
}

struct order_target target_of_order(const struct target *target)
{
	switch (target->kind) {
	case TARGET_USER:
		return (struct order_target){
		    .scope = SCOPE_USER, .uid = target->uid, .user = target->user};
	case TARGET_CONNECTION:
		return (struct order_target){
		    .scope = SCOPE_CONNECTION, .connection = target->connection};
	default:
		return (struct order_target){.scope = SCOPE_HOST};
	}
}
