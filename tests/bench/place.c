/* bench: the scratch directory and the files in it.  Touches nothing outside of it. */
#include "place.h"

#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int place_make(const char *parent, struct place *out)
{
	char *real = realpath(parent, NULL);
	int rc = 0, len;

	if (real == NULL)
		return -errno;
	len = snprintf(out->path, sizeof(out->path), "%s/sftp-bench.XXXXXX", real);
	if (len >= (int)sizeof(out->path))
		rc = -ENAMETOOLONG;
	else if (mkdtemp(out->path) == NULL)
		rc = -errno;
	free(real);
	if (rc != 0)
		out->path[0] = '\0';
	return rc;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	(void)remove(path);
	return 0;
}

void place_remove_tree(const char *path)
{
	(void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void place_remove(const struct place *place)
{
	if (place->path[0] != '\0')
		place_remove_tree(place->path);
}

char *place_path(const struct place *place, char out[PATH_MAX], const char *format, ...)
{
	int len = snprintf(out, PATH_MAX, "%s/", place->path);
	va_list args;

	va_start(args, format);
	vsnprintf(out + len, (size_t)(PATH_MAX - len), format, args);
	va_end(args);
	return out;
}

int place_write(const char *path, uint64_t size, uint64_t phase)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), rc = 0;
	uint64_t offset = 0;

	if (fd < 0)
		return -errno;
	while (rc == 0 && offset < size) {
		uint64_t left = size - offset;
		size_t len = left < CONTENT_PIECE_MAX ? (size_t)left : CONTENT_PIECE_MAX;
		ssize_t put = write(fd, content_at(phase + offset), len);

		if (put < 0)
			rc = -errno;
		else
			offset += (uint64_t)put;
	}
	if (rc == 0 && ftruncate(fd, (off_t)size) != 0)
		rc = -errno;
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	return rc;
}

int place_verify(const char *path, uint64_t size, uint64_t phase)
{
	static uint8_t data[CONTENT_PIECE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	uint64_t offset = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	while ((got = read(fd, data, sizeof(data))) > 0) {
		if (!content_matches(phase + offset, data, (size_t)got))
			rc = -EBADMSG;
		offset += (uint64_t)got;
	}
	if (got < 0)
		rc = -errno;
	else if (offset != size)
		rc = -EBADMSG;
	close(fd);
	return rc;
}

static int make_empty(int directory, uint64_t number, uint64_t size)
{
	const struct timespec times[2] = {{.tv_sec = PLACE_FILL_TIME}, {.tv_sec = PLACE_FILL_TIME}};
	char name[32];
	int fd, rc = 0;

	snprintf(name, sizeof(name), "name-%06llu", (unsigned long long)number);
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, PLACE_FILL_MODE);
	if (fd < 0)
		return -errno;
	if ((size > 0 && ftruncate(fd, (off_t)size) != 0) || fchmod(fd, PLACE_FILL_MODE) != 0 ||
	    futimens(fd, times) != 0)
		rc = -errno;
	close(fd);
	return rc;
}

int place_fill(const char *directory, uint64_t count, uint64_t sized)
{
	int fd, rc = 0;

	if (mkdir(directory, 0755) != 0)
		return errno == EEXIST ? 0 : -errno;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (uint64_t i = 0; rc == 0 && i < count; i++)
		rc = make_empty(fd, i, i * sized);
	close(fd);
	return rc;
}
