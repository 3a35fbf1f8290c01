/* tests: writes and verifies files whose content follows from a seed (stream.h).
 *
 *     pattern write PATH SIZE SEED     makes the file
 *     pattern verify PATH SIZE SEED    exit 0 when it is exactly that file
 *     pattern prefix PATH SIZE SEED    exit 0 when it is the beginning of that file; prints its size */
#include "stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536

static int write_file(FILE *file, uint64_t size, uint64_t seed)
{
	unsigned char data[CHUNK];
	uint64_t offset = 0;

	while (offset < size) {
		size_t len = size - offset < CHUNK ? (size_t)(size - offset) : CHUNK;

		stream_fill(seed, offset, data, len);
		if (fwrite(data, 1, len, file) != len)
			return -1;
		offset += len;
	}
	return 0;
}

/* Reads to the end.  Returns 0 and the file's size, or 1 with what is wrong printed. */
static int match_file(FILE *file, uint64_t size, uint64_t seed, uint64_t *found)
{
	unsigned char data[CHUNK];
	uint64_t offset = 0;
	size_t len, same;

	while ((len = fread(data, 1, sizeof(data), file)) > 0) {
		same = stream_match(seed, offset, data, len);
		offset += same;
		if (same < len) {
			printf("differs at byte %llu\n", (unsigned long long)offset);
			return 1;
		}
	}
	if (ferror(file) || offset > size) {
		printf("unreadable, or longer than %llu bytes\n", (unsigned long long)size);
		return 1;
	}
	*found = offset;
	return 0;
}

static int verify_file(FILE *file, uint64_t size, uint64_t seed, bool whole)
{
	uint64_t found = 0;

	if (match_file(file, size, seed, &found) != 0)
		return 1;
	printf("%llu\n", (unsigned long long)found);
	return whole && found != size;
}

int main(int argc, char **argv)
{
	uint64_t size, seed;
	bool writing;
	FILE *file;
	int rc;

	if (argc != 5) {
		fprintf(stderr, "usage: pattern write|verify|prefix PATH SIZE SEED\n");
		return 2;
	}
	size = strtoull(argv[3], NULL, 10);
	seed = strtoull(argv[4], NULL, 10);
	writing = strcmp(argv[1], "write") == 0;
	file = fopen(argv[2], writing ? "wb" : "rb");
	if (file == NULL) {
		fprintf(stderr, "pattern: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	rc = writing ? write_file(file, size, seed)
		     : verify_file(file, size, seed, strcmp(argv[1], "verify") == 0);
	if (fclose(file) != 0)
		rc = 1;
	if (rc != 0)
		fprintf(stderr, "pattern: %s: %s failed\n", argv[2], argv[1]);
	return rc == 0 ? 0 : 1;
}
