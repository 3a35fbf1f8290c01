/* server: paths as the protocol wants them resolved. */
#include "server/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

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

/* Whether the path can be walked and has no symbolic link in it, its last component included: one
 * system call in the place of one for each component.  Any failure says only that it is not known:
 * also a kernel before 5.6 or a filter that has no openat2(2), and no descriptor left. */
static bool has_no_links(const char *path)
{
#ifdef RESOLVE_NO_SYMLINKS
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
#else
	(void)path;
	return false;
#endif
}

/* An absolute path without empty components, "." and "..": what it resolves to when it has no
 * links.  out may be path. */
static void drop_dots(const char *path, char out[PATH_MAX])
{
	char *end = out;

	while (*path != '\0') {
		size_t len = strcspn(path, "/");

		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (end > out && *--end != '/')
				continue;
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			*end++ = '/';
			memmove(end, path, len);
			end += len;
		}
		path += len + (path[len] == '/');
	}
	if (end == out)
		*end++ = '/';
	*end = '\0';
}

/* With done set to where the path starts.  Not inlined: most sessions never need a stack of that size. */
__attribute__((noinline)) static int resolve_by_steps(const char *path, char *done)
{
	struct walk walk;
	int rc = 0;

	walk.done = done;
	walk.links = 0;
	strcpy(walk.left, path);
	while (rc == 0 && walk.left[0] != '\0')
		rc = walk_component(&walk);
	return rc;
}

/* The same at once, when there are no links; if there may be, leaves done as it was. */
static bool resolve_at_once(const char *path, char done[PATH_MAX])
{
	size_t start = strlen(done);

	/* Absolute for the kernel too: a relative path could do without the permissions above it. */
	if ((path[0] == '/' || append(done, "/") == 0) && append(done, path) == 0 &&
	    has_no_links(done)) {
		drop_dots(done, done);
		return true;
	}
	done[start] = '\0';
	return false;
}

int path_resolve(const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	/* Asked each time: the directory may have been given another name. */
	strcpy(out, "/");
	if (path[0] != '/' && getcwd(out, PATH_MAX) == NULL)
		return -errno;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (strcmp(path, ".") == 0)
		return 0;
	/* One component is one step. */
	if (slash != NULL && slash != path && resolve_at_once(path, out))
		return 0;
	return resolve_by_steps(path, out);
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
		case 'h':
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
