/* server: a reply, built in place in the output ring.  No I/O. */
#ifndef SD_SERVER_REPLY_H
#define SD_SERVER_REPLY_H

#include "codec/attrs.h"
#include "codec/sftp.h"
#include "codec/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes that every reply fits in, its length field included. */
#define REPLY_MAX (SFTP_PACKET_MAX + 4u)

/* One reply to one request.  Each operation makes exactly one of the calls below, or for names one
 * reply_names_begin and what follows it; the engine begins and ends. */
struct handle;

struct reply {
	struct wire_writer writer;
	uint32_t id;
	enum sftp_status status; /* what a STATUS said; SFTP_OK for every other reply */
	bool elsewhere;          /* it has been added to the output by another way */
	bool again;              /* nothing has been done: the output has to be sent first */
	bool apart; /* made outside of the session's loop, which accounts for it later */
	bool pure;  /* the request has changed nothing */
	struct handle *read_from; /* of a READ that brought data; its place and length */
	uint64_t read_at;
	size_t read_len;
	uint32_t name_count;
};

/* Starts a reply to the request id in cap bytes at data, cap at least REPLY_MAX. */
void reply_begin(struct reply *reply, uint32_t id, uint8_t *data, size_t cap);

/* Makes a reply of which nothing has been written yet elsewhere, in as much room. */
void reply_move(struct reply *reply, uint8_t *data, size_t cap);

/* Writes the length in front.  Returns the bytes that the whole packet takes here; 0 when no reply was
 * made, or one that did not fit: a defect of an operation unless it is elsewhere. */
size_t reply_end(struct reply *reply);

/* STATUS for 0 or a negative errno; the text of a failure is what strerror(3) says of it. */
void reply_errno(struct reply *reply, int error);

/* STATUS with a text; NULL: the code's own. */
void reply_status(struct reply *reply, enum sftp_status status, const char *text);

/* HANDLE with the handle's bytes. */
void reply_handle(struct reply *reply, const void *handle, size_t len);

/* ATTRS. */
void reply_attrs(struct reply *reply, const struct attrs *attrs);

/* NAME with one name and no attributes, as for REALPATH and READLINK. */
void reply_one_name(struct reply *reply, const char *name);

/* NAME, name by name.  reply_names_add returns false, and adds nothing, when the packet would pass
 * limit bytes.  reply_names_end makes it STATUS EOF when none was added. */
void reply_names_begin(struct reply *reply);
bool reply_names_add(struct reply *reply, const char *name, const char *longname,
    const struct attrs *attrs, size_t limit);
void reply_names_end(struct reply *reply);

/* DATA: room for len bytes (at most SFTP_DATA_MAX), which the caller fills; then how many it did.
 */
uint8_t *reply_data_begin(struct reply *reply, size_t len);
void reply_data_end(struct reply *reply, size_t len);

/* Writes what stands before the len bytes of a DATA. */
#define REPLY_DATA_HEADER 13u
void reply_data_header(const struct reply *reply, size_t len, uint8_t out[REPLY_DATA_HEADER]);

/* VERSION, and EXTENDED_REPLY: the caller goes on in reply->writer. */
void reply_version_begin(struct reply *reply);
void reply_extended_begin(struct reply *reply);

#endif
