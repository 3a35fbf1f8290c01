/* bench: the requests that the scenarios make, and what they expect in reply.
 * Every function that returns int returns 0, or a negative errno with client->problem filled. */
#ifndef SD_BENCH_REQUESTS_H
#define SD_BENCH_REQUESTS_H

#include "client.h"

int send_open(struct client *client, struct slot *slot, const char *path, uint32_t flags);
int send_read(struct client *client, struct slot *slot, const struct handle *handle,
    uint64_t offset, uint32_t len);
/* data is borrowed until the reply. */
int send_write(struct client *client, struct slot *slot, const struct handle *handle,
    uint64_t offset, const uint8_t *data, uint32_t len);
/* CLOSE, FSTAT, READDIR. */
int send_handle(
    struct client *client, struct slot *slot, uint8_t type, const struct handle *handle);
/* STAT, LSTAT, REALPATH, OPENDIR. */
int send_path(struct client *client, struct slot *slot, uint8_t type, const char *path);

int expect_ok(struct client *client, struct reply *reply);
int expect_handle(struct client *client, struct reply *reply, struct handle *out);
/* DATA with the content (content.h) that begins at position; *got is how much, at most len. */
int expect_content(
    struct client *client, struct reply *reply, uint64_t position, uint32_t len, uint32_t *got);
/* ATTRS of a file that place_fill made. */
int expect_attrs(struct client *client, struct reply *reply, uint64_t size);
bool attrs_are(const struct attrs *attrs, uint64_t size);

/* One request, alone, in slot 0. */
int ask_open(struct client *client, const char *path, uint32_t flags, struct handle *out);
int ask_opendir(struct client *client, const char *path, struct handle *out);
int ask_close(struct client *client, const struct handle *handle);

#endif
