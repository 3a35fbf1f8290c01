/* server: reading a directory in large blocks (getdents64(2)). */
#ifndef SD_SERVER_DIRECTORY_H
#define SD_SERVER_DIRECTORY_H

#include <stddef.h>

struct directory;

/* A reader of the directory that fd has open; fd stays the caller's and must outlive it.  NULL: no
 * memory. */
struct directory *directory_new(int fd);
void directory_free(struct directory *directory);

/* Sets *name to the next entry's name, "." and ".." included, good until the entry after it is
 * asked for.  Asked again without directory_taken, it gives the same entry again.  Returns 1, 0 at
 * the end, or a negative errno. */
int directory_peek(struct directory *directory, const char **name);
void directory_taken(struct directory *directory);

#endif
