/* policy: the groups of a user, from the host's user database.  Never logs or exits; knows nothing
 * of the configuration file. */
#include "policy/policy_groups.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_START 4096
/* A group of very many members needs a large buffer; past this the database is broken. */
#define ENTRY_MAX ((size_t)16 << 20)

/* Sorts what getpwnam_r(3) and getgrgid_r(3) return: 0, or -errno where the database could not be
 * asked; the other numbers are among those that say "no such entry". */
static int lookup_result(int err)
{
	switch (err) {
	case ENOENT:
	case ESRCH:
	case EBADF:
	case EPERM:
		return 0;
	default:
		return -err;
	}
}

/* Doubles *buffer for another try.  Returns 0, -ENOMEM or -ERANGE; *buffer stays the caller's. */
static int grow(char **buffer, size_t *len)
{
	size_t want = *len == 0 ? ENTRY_START : *len * 2;
	char *grown;

	if (want > ENTRY_MAX)
		return -ERANGE;
	grown = realloc(*buffer, want);
	if (grown == NULL)
		return -ENOMEM;
	*buffer = grown;
	*len = want;
	return 0;
}

/* Returns 1 and the primary group of user, 0 when there is no such user, or a negative errno. */
static int find_primary_group(const char *user, gid_t *gid)
{
	struct passwd entry, *found = NULL;
	char *buffer = NULL;
	size_t len = 0;
	int err, rc;

	do {
		rc = grow(&buffer, &len);
		if (rc != 0)
			goto out;
		err = getpwnam_r(user, &entry, buffer, len, &found);
	} while (err == ERANGE);
	rc = lookup_result(err);
	if (rc == 0 && found != NULL) {
		*gid = entry.pw_gid;
		rc = 1;
	}
out:
	free(buffer);
	return rc;
}

/* The name of a group, the caller's to free; *name is NULL when the gid has none. */
static int find_group_name(gid_t gid, char **name)
{
	struct group entry, *found = NULL;
	char *buffer = NULL;
	size_t len = 0;
	int err, rc;

	*name = NULL;
	do {
		rc = grow(&buffer, &len);
		if (rc != 0)
			goto out;
		err = getgrgid_r(gid, &entry, buffer, len, &found);
	} while (err == ERANGE);
	rc = lookup_result(err);
	if (rc == 0 && found != NULL) {
		*name = strdup(entry.gr_name);
		rc = *name == NULL ? -ENOMEM : 0;
	}
out:
	free(buffer);
	return rc;
}

/* The gids of user, the caller's to free, and their number; or a negative errno. */
static int find_gids(const char *user, gid_t primary, gid_t **gids)
{
	int count = 32, before = 0;

	*gids = NULL;
	for (;;) {
		gid_t *grown = reallocarray(*gids, (size_t)count, sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		*gids = grown;
		before = count;
		if (getgrouplist(user, primary, *gids, &count) >= 0)
			return count;
		if (count <= before)
			return -EIO;
	}
}

void policy_groups_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int policy_groups_find(const char *user, char ***names, size_t *count)
{
	gid_t primary = 0, *gids = NULL;
	char **list = NULL;
	size_t used = 0;
	int found, rc;

	*names = NULL;
	*count = 0;
	rc = find_primary_group(user, &primary);
	if (rc <= 0)
		return rc;
	rc = found = find_gids(user, primary, &gids);
	if (found <= 0)
		goto out;
	list = calloc((size_t)found, sizeof(*list));
	rc = list == NULL ? -ENOMEM : 0;
	for (int i = 0; i < found && rc == 0; i++) {
		rc = find_group_name(gids[i], &list[used]);
		if (rc == 0 && list[used] != NULL)
			used++;
	}
	if (rc != 0)
		goto out;
	*names = list;
	*count = used;
	list = NULL;
out:
	if (list != NULL)
		policy_groups_free(list, used);
	free(gids);
	return rc;
}
