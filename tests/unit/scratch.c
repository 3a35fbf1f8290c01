/* unit tests: a fresh directory to work in. */
#include "scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char scratch_path[64];

void scratch_enter(void)
{
	snprintf(scratch_path, sizeof(scratch_path), "/tmp/sd-unit-XXXXXX");
	cr_assert_not_null(mkdtemp(scratch_path));
	cr_assert_eq(chdir(scratch_path), 0);
	umask(022);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	(void)remove(path);
	return 0;
}

void scratch_leave(void)
{
	cr_assert_eq(chdir("/tmp"), 0);
	if (scratch_path[0] != '\0')
		(void)nftw(scratch_path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void scratch_skip(const char *why)
{
	scratch_leave();
	cr_skip_test("%s", why);
}

void scratch_write(const char *name, const char *content)
{
	FILE *file = fopen(name, "we");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(content, file), 0);
	cr_assert_eq(fclose(file), 0);
}

const char *scratch_read(const char *name)
{
	static char content[64 * 1024];
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return NULL;
	got = read(fd, content, sizeof(content) - 1);
	close(fd);
	if (got < 0)
		return NULL;
	content[got] = '\0';
	return content;
}

bool scratch_exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

struct stat scratch_lstat(const char *name)
{
	struct stat st = {.st_size = 0};

	cr_assert_eq(lstat(name, &st), 0, "%s is not there", name);
	return st;
}

size_t scratch_count(const char *directory)
{
	DIR *entries = opendir(directory);
	size_t count = 0;

	cr_assert_not_null(entries);
	while (readdir(entries) != NULL)
		count++;
	closedir(entries);
	return count - 2;
}
