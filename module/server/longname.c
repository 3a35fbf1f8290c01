/* server: the line that `ls -l` would write. */
#include "server/longname.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SIX_MONTHS (365 * 24 * 60 * 60 / 2)
#define OWNER_MAX 64
#define WHEN_MAX 32

/* A large directory is as many lines as it has entries: printf(3) and strftime(3) would take half
 * of the time that one costs.  out is where a line goes on; each returns where it goes on then. */

static char *put_text(char *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

/* In decimal, with blanks in front up to width. */
static char *put_number(char *out, uint64_t number, size_t width)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (size_t len = sizeof(digits) - at; len < width; len++)
		*out++ = ' ';
	return put_text(out, digits + at, sizeof(digits) - at);
}

/* The name service can be a network away, and a directory has few owners: the last answers are
 * kept, with blanks behind them up to the column's width. */
struct cached_name {
	uint32_t id;
	size_t len; /* 0: none kept */
	char name[OWNER_MAX];
};

#define CACHE_SIZE 16

static struct cached_name users[CACHE_SIZE], groups[CACHE_SIZE];

static void keep(struct cached_name *cached, uint32_t id, const char *name)
{
	char number[16];

	snprintf(number, sizeof(number), "%lu", (unsigned long)id);
	snprintf(cached->name, sizeof(cached->name), "%-8s", name == NULL ? number : name);
	cached->len = strlen(cached->name);
	cached->id = id;
}

static char *put_user(char *out, uid_t uid)
{
	struct cached_name *cached = &users[uid % CACHE_SIZE];

	if (cached->len == 0 || cached->id != uid) {
		const struct passwd *found = getpwuid(uid);

		keep(cached, uid, found == NULL ? NULL : found->pw_name);
	}
	return put_text(out, cached->name, cached->len);
}

static char *put_group(char *out, gid_t gid)
{
	struct cached_name *cached = &groups[gid % CACHE_SIZE];

	if (cached->len == 0 || cached->id != gid) {
		const struct group *found = getgrgid(gid);

		keep(cached, gid, found == NULL ? NULL : found->gr_name);
	}
	return put_text(out, cached->name, cached->len);
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

static char *put_mode(char *out, mode_t mode)
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
	return out + 10;
}

static char *put_two_digits(char *out, int number)
{
	*out++ = (char)('0' + number / 10);
	*out++ = (char)('0' + number % 10);
	return out;
}

/* As strftime(3) writes "%b %e %H:%M", or "%b %e  %Y", which is left the years that no file has. */
static size_t format_date(const struct tm *local, bool recent, char out[WHEN_MAX])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char *at = out;

	if (!recent && (local->tm_year < 0 || local->tm_year > 9999 - 1900))
		return strftime(out, WHEN_MAX, "%b %e  %Y", local);
	at = put_text(at, months + 3 * local->tm_mon, 3);
	*at++ = ' ';
	at = put_number(at, (uint64_t)local->tm_mday, 2);
	*at++ = ' ';
	if (recent) {
		at = put_two_digits(at, local->tm_hour);
		*at++ = ':';
		at = put_two_digits(at, local->tm_min);
	} else {
		at = put_number(at, (uint64_t)local->tm_year + 1900, 5);
	}
	return (size_t)(at - out);
}

/* Files that were made together have their times in common.  Only the very same second is taken to
 * look the same: nothing needs to be known of time zones. */
static char *put_time(char *out, time_t when)
{
	static struct {
		time_t when;
		bool recent;
		size_t len;
		char text[WHEN_MAX];
	} kept;
	time_t now = time(NULL);
	bool recent = when > now - SIX_MONTHS && when <= now;
	struct tm local;

	if (kept.len == 0 || kept.when != when || kept.recent != recent) {
		/* localtime_r(3) does not ask for the zone again each time, as localtime(3) must. */
		kept.len =
		    localtime_r(&when, &local) == NULL ? 0 : format_date(&local, recent, kept.text);
		kept.when = when;
		kept.recent = recent;
	}
	return put_text(out, kept.text, kept.len);
}

char *longname_format(const char *name, const struct stat *st, char *out)
{
	char *at = put_mode(out, st->st_mode);

	at = put_text(at, "  ", 2);
	at = put_number(at, st->st_nlink, 3);
	*at++ = ' ';
	at = put_user(at, st->st_uid);
	*at++ = ' ';
	at = put_group(at, st->st_gid);
	*at++ = ' ';
	at = put_number(at, (uint64_t)st->st_size, 8);
	*at++ = ' ';
	at = put_time(at, st->st_mtime);
	*at++ = ' ';
	at =
	    put_text(at, name, strnlen(name, (size_t)(NAME_MAX + LONGNAME_EXTRA - 1 - (at - out))));
	*at = '\0';
	return out;
}
