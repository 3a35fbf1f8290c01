/* server: the line that `ls -l` would write. */
#include "server/longname.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define SIX_MONTHS (365 * 24 * 60 * 60 / 2)
#define OWNER_MAX 64

/* The name service can be a network away, and a directory has few owners: the last answers are
 * kept. */
struct cached_name {
	bool valid;
	uint32_t id;
	char name[OWNER_MAX];
};

#define CACHE_SIZE 16

static struct cached_name users[CACHE_SIZE], groups[CACHE_SIZE];

static const char *keep(struct cached_name *cached, uint32_t id, const char *name)
{
	cached->valid = true;
	cached->id = id;
	if (name != NULL)
		snprintf(cached->name, sizeof(cached->name), "%s", name);
	else
		snprintf(cached->name, sizeof(cached->name), "%lu", (unsigned long)id);
	return cached->name;
}

static const char *user_name(uid_t uid)
{
	struct cached_name *cached = &users[uid % CACHE_SIZE];
	const struct passwd *found;

	if (cached->valid && cached->id == uid)
		return cached->name;
	found = getpwuid(uid);
	return keep(cached, uid, found == NULL ? NULL : found->pw_name);
}

static const char *group_name(gid_t gid)
{
	struct cached_name *cached = &groups[gid % CACHE_SIZE];
	const struct group *found;

	if (cached->valid && cached->id == gid)
		return cached->name;
	found = getgrgid(gid);
	return keep(cached, gid, found == NULL ? NULL : found->gr_name);
}

static char type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return '-';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '?';
	}
}

static void format_mode(mode_t mode, char out[11])
{
	static const char letters[] = "rwxrwxrwx";

	out[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		out[1 + i] = (mode & (0400u >> i)) != 0 ? letters[i] : '-';
	if (mode & S_ISUID)
		out[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		out[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		out[9] = mode & S_IXOTH ? 't' : 'T';
	out[10] = '\0';
}

static void format_time(time_t when, char *out, size_t out_len)
{
	time_t now = time(NULL);
	bool recent = when > now - SIX_MONTHS && when <= now;
	struct tm local;

	/* localtime_r(3) does not ask for the time zone again each time, as localtime(3) must. */
	if (localtime_r(&when, &local) == NULL ||
	    strftime(out, out_len, recent ? "%b %e %H:%M" : "%b %e  %Y", &local) == 0)
		out[0] = '\0';
}

char *longname_format(const char *name, const struct stat *st, char *out)
{
	char mode[11], when[32];

	format_mode(st->st_mode, mode);
	format_time(st->st_mtime, when, sizeof(when));
	snprintf(out, NAME_MAX + LONGNAME_EXTRA, "%s  %3lu %-8s %-8s %8llu %s %s", mode,
	    (unsigned long)st->st_nlink, user_name(st->st_uid), group_name(st->st_gid),
	    (unsigned long long)st->st_size, when, name);
	return out;
}
