/* policy: the configuration file as text, and the texts that say what is wrong with it.  Knows
 * nothing of settings; gives out nothing of a file that others could have written. */
#include "policy/policy_text.h"

#include "util/escape.h"
#include "util/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SHOWN_MAX 256

/* On a line of its own, which a comment at the file's end needs.  The first byte is left out where
 * the file ends its last line itself, so that the lines in messages are the file's. */
static const char end_setting[] = "\n" POLICY_TEXT_END " = true;";

int policy_error_set(struct policy_error *error, int rc, const char *path, unsigned int line,
    const char *format, ...)
{
	char shown[PATH_SHOWN_MAX];
	va_list args;
	size_t used;

	escape_text(path, strlen(path), shown, sizeof(shown));
	if (line != 0)
		snprintf(error->text, sizeof(error->text), "%s:%u: ", shown, line);
	else
		snprintf(error->text, sizeof(error->text), "%s: ", shown);
	used = strlen(error->text);
	va_start(args, format);
	vsnprintf(error->text + used, sizeof(error->text) - used, format, args);
	va_end(args);
	return rc;
}

static int explain_open(const char *path, int rc, struct policy_error *error)
{
	switch (rc) {
	case -ELOOP:
		return policy_error_set(
		    error, -EPERM, path, 0, "refused: it is a symbolic link; name the file itself");
	case -EINVAL:
		return policy_error_set(error, -EPERM, path, 0, "refused: not a regular file");
	case -EPERM:
		return policy_error_set(error, -EPERM, path, 0,
		    "refused: it must belong to root or to the user who reads it (uid %lu), be "
		    "writable by nobody else and have no second link",
		    (unsigned long)geteuid());
	default:
		return policy_error_set(error, rc, path, 0, "cannot open: %s", strerror(-rc));
	}
}

/* libconfig would open an included file itself, without the check of owner and mode; 1.5 has no
 * switch against that.  It takes the directive only at the start of a line, so a line that starts
 * so within a comment is refused too, but none escapes. */
static int refuse_includes(const char *path, const char *text, struct policy_error *error)
{
	static const char directive[] = "@include";
	unsigned int line = 1;

	for (const char *at = text; at != NULL; line++) {
		at += strspn(at, " \t");
		if (strncmp(at, directive, sizeof(directive) - 1) == 0)
			return policy_error_set(error, -EINVAL, path, line,
			    "@include: not supported; put everything into this file");
		at = strchr(at, '\n');
		if (at != NULL)
			at++;
	}
	return 0;
}

static int check_text(const char *path, const char *text, size_t len, struct policy_error *error)
{
	if (len > POLICY_FILE_MAX)
		return policy_error_set(
		    error, -EFBIG, path, 0, "larger than %d bytes", POLICY_FILE_MAX);
	/* The parser would take the file for ended there. */
	if (strlen(text) != len)
		return policy_error_set(error, -EINVAL, path, 0, "contains a NUL byte");
	return refuse_includes(path, text, error);
}

int policy_text_read(const char *path, char **text, struct policy_error *error)
{
	size_t room = POLICY_FILE_MAX + 1;
	char *buffer = NULL;
	size_t skip;
	ssize_t got;
	int fd, rc;

	fd = safe_open_file(AT_FDCWD, path, O_RDONLY, geteuid(), S_IWGRP | S_IWOTH);
	if (fd < 0)
		return explain_open(path, fd, error);
	buffer = malloc(room + sizeof(end_setting));
	if (buffer == NULL) {
		rc = policy_error_set(error, -ENOMEM, path, 0, "%s", strerror(ENOMEM));
		goto out;
	}
	got = safe_read(fd, buffer, room);
	if (got < 0) {
		rc = policy_error_set(
		    error, (int)got, path, 0, "cannot read: %s", strerror((int)-got));
		goto out;
	}
	buffer[got] = '\0';
	rc = check_text(path, buffer, (size_t)got, error);
	if (rc != 0)
		goto out;
	skip = got == 0 || buffer[got - 1] == '\n';
	memcpy(buffer + got, end_setting + skip, sizeof(end_setting) - skip);
	*text = buffer;
	buffer = NULL;
out:
	free(buffer);
	close(fd);
	return rc;
}
