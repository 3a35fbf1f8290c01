/* bench: one file read or written in blocks, many in flight. */
#ifndef SD_BENCH_BULK_H
#define SD_BENCH_BULK_H

#include "client.h"

#define BULK_FILE_BYTES (UINT64_C(256) << 20)

struct bulk {
	uint8_t type; /* SFTP_READ or SFTP_WRITE */
	bool random;
	uint32_t size;   /* of a block */
	uint64_t blocks; /* that the file has; begun anew when there are more to move */
	uint64_t first;  /* block to begin with */
	uint64_t count;  /* of blocks to move */
	uint64_t phase;  /* of the file's content */
	uint64_t next;
	struct handle handle;
};

/* Each as client.h says.  bulk_move is what is to be measured. */
int bulk_open(struct client *client, struct bulk *bulk, const char *path);
int bulk_move(struct client *client, struct bulk *bulk, unsigned in_flight);

/* The work of one session of a scenario. */
struct bulk bulk_of(struct bench *bench, const struct scenario *scenario, unsigned session);

/* Makes the file that is read or written; path is filled.  Returns 0 or a negative errno with
 * bench->problem. */
int bulk_prepare(struct bench *bench, const struct scenario *scenario, const struct bulk *bulk,
    unsigned session, char path[PATH_MAX]);

/* After a session that has ended well: whether what was written is in the file. */
int bulk_verify(
    struct bench *bench, const struct side *side, const struct bulk *bulk, const char *path);

/* A whole session that moves one file that is there, measured.  Returns as a scenario's run. */
int bulk_session(struct bench *bench, const struct scenario *scenario, const struct side *side,
    struct bulk *bulk, const char *path, struct sample *out);

#endif
