/* server: paths as the protocol wants them resolved. */
#include "server/path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's own limit, path_resolution(7) */

/* What is done and what is still to do. */
struct walk {
	char *done; /* PATH_MAX bytes; absolute, without a slash at its end but for "/" */
	char left[PATH_MAX];
	int links;
};

static int append(char out[PATH_MAX], const char *text)
{
	size_t used = strlen(out);
	size_t len = strlen(text);

	if (used + len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(out + used, text, len + 1);
	return 0;
}

static void drop_last(char *path)
{
	char *slash = strrchr(path, '/');

	slash[slash == path ? 1 : 0] = '\0';
}

/* Splits the first component off walk->left.  Returns whether a slash followed it. */
static bool next_component(struct walk *walk, char out[PATH_MAX])
{
	size_t len = strcspn(walk->left, "/");
	bool more = walk->left[len] == '/';

	memcpy(out, walk->left, len);
	out[len] = '\0';
	memmove(walk->left, walk->left + len + more, strlen(walk->left + len + more) + 1);
	return more;
}

/* Puts the link's target in front of what is left; done ends with the link's own name. */
static int follow_link(struct walk *walk, bool more)
{
	char target[PATH_MAX];
	ssize_t len;
	int rc;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	len = readlink(walk->done, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	if (target[0] == '/')
		strcpy(walk->done, "/");
	else
		drop_last(walk->done);
	rc = more ? append(target, "/") : 0;
	if (rc == 0)
		rc = append(target, walk->left);
	if (rc == 0)
		strcpy(walk->left, target);
	return rc;
}

static int walk_component(struct walk *walk)
{
	char name[PATH_MAX];
	bool more = next_component(walk, name);
	struct stat st;
	int rc;

	if (name[0] == '\0' || strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		drop_last(walk->done);
		return 0;
	}
	rc = walk->done[1] == '\0' ? 0 : append(walk->done, "/");
	if (rc == 0)
		rc = append(walk->done, name);
	if (rc != 0)
		return rc;
	if (lstat(walk->done, &st) != 0)
		return errno == ENOENT && !more ? 0 : -errno;
	return S_ISLNK(st.st_mode) ? follow_link(walk, more) : 0;
}

int path_resolve(const char *path, char out[PATH_MAX])
{
	struct walk walk = {.done = out};
	int rc;

	strcpy(out, "/");
	if (path[0] != '/' && getcwd(out, PATH_MAX) == NULL)
		return -errno;
	if (strlen(path) >= sizeof(walk.left))
		return -ENAMETOOLONG;
	strcpy(walk.left, path);
	for (rc = 0; rc == 0 && walk.left[0] != '\0';)
		rc = walk_component(&walk);
	return rc;
}

int path_expand_tilde(const char *path, const struct passwd *self, char out[PATH_MAX])
{
	const char *home = self->pw_dir;
	size_t len = strcspn(path, "/");
	int rc;

	out[0] = '\0';
	if (path[0] != '~')
		return append(out, path);
	if (len > 1) {
		char user[PATH_MAX];
		const struct passwd *other;

		snprintf(user, sizeof(user), "%.*s", (int)len - 1, path + 1);
		other = getpwnam(user);
		if (other == NULL)
			return -ENOENT;
		home = other->pw_dir;
	}
	rc = append(out, home);
	return rc == 0 ? append(out, path + len) : rc;
}

int path_expand_percent(const char *path, const struct passwd *self, char out[PATH_MAX])
{
	char uid[32];
	int rc = 0;

	snprintf(uid, sizeof(uid), "%lu", (unsigned long)self->pw_uid);
	out[0] = '\0';
	for (; *path != '\0' && rc == 0; path++) {
		char plain[2] = {*path, '\0'};

		if (*path != '%') {
			rc = append(out, plain);
			continue;
		}
		switch (*++path) {
		case 'd':
			rc = append(out, self->pw_dir);
			break;
		case 'u':
			rc = append(out, self->pw_name);
			break;
		case 'U':
			rc = append(out, uid);
			break;
		case '%':
			rc = append(out, "%");
			break;
		default:
			return -EINVAL;
		}
	}
	return rc;
}

char *path_absolute(const char *directory, const char *name, char out[PATH_MAX])
{
	out[0] = '\0';
	if (name[0] != '/' && append(out, directory) == 0 && strcmp(directory, "/") != 0)
		(void)append(out, "/");
	(void)append(out, name);
	return out;
}
