/* control: the walk over advisory connections, those that no PAM module registered.  What it reads
 * belongs to users: nothing of it is trusted, and how much of it is looked at is bounded. */
#include "control/scope.h"

#include "policy/policy_load.h"
#include "table/members_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct advisory_walk {
	struct scope *scope;
	scope_visitor *visit;
	void *context;
	char user[USER_NAME_MAX];
	struct policy
	    policy; /* that user's, from the configuration: what the file says, the user wrote */
};

/* Turns to a user: the name, and the policy that applies in truth. */
static void set_user(struct advisory_walk *walk, uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);
	/* No address: the one in the file is the user's word. */
	const struct policy_subject subject = {.user = walk->user};
	struct policy_error error;

	if (entry != NULL)
		snprintf(walk->user, USER_NAME_MAX, "%s", entry->pw_name);
	else
		snprintf(walk->user, USER_NAME_MAX, "%lu", (unsigned long)uid);
	/* On an error it holds the built-in values, with which the user's sessions run then, too. */
	(void)policy_load_user(walk->scope->config, &subject, &walk->policy, NULL, &error);
}

static int visit_file(struct advisory_walk *walk, uid_t uid, const char *name)
{
	struct scope_connection found = {.advisory = true, .reader = {.fd = -1}};
	int rc = members_reader_open_advisory(walk->scope->shmdir, uid, name, &found.reader);

	/* Running out of descriptors is our trouble; all else is the file's. */
	if (rc != 0)
		return rc == -EMFILE || rc == -ENFILE ? rc : 0;
	if ((members_any(&found.reader) || members_is_guarded(&found.reader)) &&
	    members_read_advisory(&found.reader, &found.connection) == 0) {
		snprintf(found.id, sizeof(found.id), "%lu/%s", (unsigned long)uid, name);
		snprintf(found.connection.user, sizeof(found.connection.user), "%s", walk->user);
		found.connection.policy = walk->policy;
		rc = walk->visit(walk->scope, &found, walk->context);
	}
	members_reader_close(&found.reader);
	return rc;
}

static int walk_files(struct advisory_walk *walk, uid_t uid, DIR *stream)
{
	struct dirent *entry;
	int rc = 0;

	set_user(walk, uid);
	for (int i = 0; rc == 0 && i < SCOPE_FILES_MAX && (entry = readdir(stream)) != NULL; i++) {
		if (target_is_advisory_name(entry->d_name))
			rc = visit_file(walk, uid, entry->d_name);
	}
	return rc;
}

static int walk_user(struct advisory_walk *walk, uid_t uid)
{
	int dir = members_open_advisory_dir(walk->scope->shmdir, uid);
	DIR *stream;
	int rc;

	if (dir < 0)
		return dir == -EMFILE || dir == -ENFILE ? dir : 0;
	/* Of another user's directory there is only a descriptor that cannot be read. */
	stream = fdopendir(dir);
	if (stream == NULL) {
		rc = errno == ENOMEM ? -ENOMEM : 0;
		close(dir);
		walk->scope->hidden++;
		walk->scope->hidden_uid = uid;
		return rc;
	}
	rc = walk_files(walk, uid, stream);
	closedir(stream);
	return rc;
}

/* SHMDIR as the directory that it is in and the prefix "NAME-" of the users' directories. */
static int split_shmdir(
    const char *shmdir, char parent[MEMBERS_PATH_MAX], char prefix[MEMBERS_PATH_MAX])
{
	size_t length = strlen(shmdir);
	const char *slash = strrchr(shmdir, '/');
	const char *name = slash == NULL ? shmdir : slash + 1;

	/* A path that ends in a slash has its users' directories inside, as "-UID". */
	if (length + 2 > MEMBERS_PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(prefix, MEMBERS_PATH_MAX, "%s-", name);
	if (slash == NULL)
		snprintf(parent, MEMBERS_PATH_MAX, ".");
	else
		snprintf(parent, MEMBERS_PATH_MAX, "%.*s", (int)(slash - shmdir + 1), shmdir);
	return 0;
}

static int walk_users(struct advisory_walk *walk)
{
	char parent[MEMBERS_PATH_MAX], prefix[MEMBERS_PATH_MAX];
	int rc = split_shmdir(walk->scope->shmdir, parent, prefix);
	size_t prefix_length = strlen(prefix);
	struct dirent *entry;
	DIR *stream;

	if (rc != 0)
		return rc;
	stream = opendir(parent);
	if (stream == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (rc == 0 && (entry = readdir(stream)) != NULL) {
		uid_t uid;

		if (strncmp(entry->d_name, prefix, prefix_length) == 0 &&
		    target_parse_uid(entry->d_name + prefix_length, &uid) == 0)
			rc = walk_user(walk, uid);
	}
	closedir(stream);
	return rc;
}

int scope_walk_advisory(struct scope *scope, scope_visitor *visit, void *context)
{
	struct advisory_walk walk = {.scope = scope, .visit = visit, .context = context};
	const struct target *target = &scope->target;

	switch (target->kind) {
	case TARGET_USER:
		return walk_user(&walk, target->uid);
	case TARGET_ADVISORY:
		set_user(&walk, target->uid);
		return visit_file(&walk, target->uid, target->name);
	default:
		return walk_users(&walk);
	}
}
