/* bench: a session table of our own with one connection in it, this process's. */
#include "membership.h"

#include "policy/policy_load.h"
#include "table/members_file.h"
#include "table/table.h"
#include "util/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As a host would have it: one rule that has to be matched against the user, and a default. */
static const char policy_text[] = "default = { drain = \"transfer\"; deadline = \"5m\"; };\n"
				  "rules = (\n"
				  "  { match = { user = [ \"nobody-*\" ]; }; close = \"last\"; }\n"
				  ");\n";

static int write_policy(const char *path)
{
	FILE *file = fopen(path, "we");

	if (file == NULL)
		return -errno;
	fputs(policy_text, file);
	return fclose(file) == 0 && chmod(path, 0644) == 0 ? 0 : -errno;
}

static int describe(const char *config, struct connection *connection)
{
	const struct passwd *self = getpwuid(geteuid());
	struct policy_subject subject = {.address = "127.0.0.1"};
	struct policy_error error;

	if (self == NULL)
		return -ENOENT;
	connection->uid = self->pw_uid;
	connection->gid = self->pw_gid;
	connection->opened_ns = clock_now_ns();
	snprintf(connection->user, sizeof(connection->user), "%s", self->pw_name);
	snprintf(connection->address, sizeof(connection->address), "127.0.0.1");
	subject.user = self->pw_name;
	return policy_load_user(config, &subject, &connection->policy, NULL, &error);
}

static int enter(struct table *table, struct membership_place *out)
{
	struct connection connection = {.state = 0};
	char text[CONNECTION_REF_TEXT_MAX];
	int rc = describe(out->config, &connection);

	if (rc == 0)
		rc = table_claim(table, out->shmdir, &connection, &connection.ref);
	if (rc == 0)
		rc = members_create(out->shmdir, connection.ref, connection.uid, connection.gid);
	if (rc == 0)
		rc = table_publish(table, connection.ref);
	if (rc == 0)
		snprintf(out->variable, sizeof(out->variable), "SFTP_DRAIN_CONNECTION=%s",
		    connection_ref_format(connection.ref, text));
	return rc;
}

void membership_make(const struct place *place, struct membership_place *out)
{
	char path[PATH_MAX];
	struct table table;
	int rc;

	*out = (struct membership_place){.registered = 0};
	snprintf(out->config, PLACE_MAX, "%s", place_path(place, path, "sftp-drain.conf"));
	snprintf(out->rundir, PLACE_MAX, "%s", place_path(place, path, "run"));
	snprintf(out->shmdir, PLACE_MAX, "/dev/shm/%s-members", strrchr(place->path, '/') + 1);
	rc = write_policy(out->config);
	if (rc == 0)
		rc = table_open_or_create(out->rundir, &table);
	if (rc == 0) {
		rc = enter(&table, out);
		table_close(&table);
	}
	out->registered = rc;
}

void membership_remove(const struct membership_place *membership)
{
	char advisory[PLACE_MAX + 32];

	if (membership->shmdir[0] == '\0')
		return;
	place_remove_tree(membership->shmdir);
	snprintf(advisory, sizeof(advisory), "%s-%u", membership->shmdir, (unsigned)geteuid());
	place_remove_tree(advisory);
}
