/* bench: the scratch directory and the files in it.  Touches nothing outside of it. */
#ifndef SD_BENCH_PLACE_H
#define SD_BENCH_PLACE_H

#include <limits.h>
#include <stdint.h>

/* So that every path in a place fits a request. */
#define PLACE_MAX 512

struct place {
	char path[PLACE_MAX]; /* absolute, without symbolic links */
};

/* Makes a directory of its own in parent.  Returns 0 or a negative errno. */
int place_make(const char *parent, struct place *out);

/* Removes it with all that is in it; other file systems are not entered. */
void place_remove(const struct place *place);
void place_remove_tree(const char *path);

/* Writes the path of a name in the place to out.  Returns out. */
char *place_path(const struct place *place, char out[PATH_MAX], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes, or overwrites, a file of size bytes whose content begins at phase (content.h).  Returns 0
 * or a negative errno. */
int place_write(const char *path, uint64_t size, uint64_t phase);

/* Whether the file is exactly that.  Returns 0, -EBADMSG when it is not, or another negative
 * errno. */
int place_verify(const char *path, uint64_t size, uint64_t phase);

/* What the files of place_fill are like. */
#define PLACE_FILL_MODE 0640
#define PLACE_FILL_TIME 1000000000 /* both times, in seconds */

/* Makes a directory with count files, name-000000 and on, each as long as sized says times its number,
 * with nothing in them.  Does nothing when the directory is there.  Returns 0 or a negative errno. */
int place_fill(const char *directory, uint64_t count, uint64_t sized);

#endif
