/* server: reading a directory in large blocks. */
#include "server/directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#define BLOCK 32768

struct directory {
	int fd;
	size_t at;
	size_t used;
	_Alignas(struct dirent64) char block[BLOCK];
};

struct directory *directory_new(int fd)
{
	struct directory *directory = malloc(sizeof(*directory));

	if (directory != NULL) {
		directory->fd = fd;
		directory->at = directory->used = 0;
	}
	return directory;
}

void directory_free(struct directory *directory)
{
	free(directory);
}

static const struct dirent64 *entry_at(const struct directory *directory)
{
	return (const struct dirent64 *)(const void *)(directory->block + directory->at);
}

int directory_peek(struct directory *directory, const char **name)
{
	if (directory->at >= directory->used) {
		ssize_t got = getdents64(directory->fd, directory->block, BLOCK);

		/* A directory that has been removed has no more entries, as in readdir(3). */
		if (got <= 0)
			return got == 0 || errno == ENOENT ? 0 : -errno;
		directory->used = (size_t)got;
		directory->at = 0;
	}
	*name = entry_at(directory)->d_name;
	return 1;
}

void directory_taken(struct directory *directory)
{
	directory->at += entry_at(directory)->d_reclen;
}
