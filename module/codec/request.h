/* codec: a request, parsed whole before anything is done about it.  No I/O. */
#ifndef SD_CODEC_REQUEST_H
#define SD_CODEC_REQUEST_H

#include "codec/attrs.h"
#include "codec/wire.h"

#include <limits.h>
#include <stdint.h>

#define REQUEST_FIELDS 2

/* The fields that a request of the given shape has.  Spans are borrowed from the packet; paths are
 * copies, NUL-terminated. */
struct request {
	uint32_t id;
	struct wire_span handles[REQUEST_FIELDS];
	uint64_t offsets[REQUEST_FIELDS];
	uint64_t length; /* of copy-data */
	uint32_t number; /* a READ's length, an OPEN's flags */
	struct attrs attrs;
	struct wire_span data;
	struct wire_span ids[REQUEST_FIELDS]; /* whole 32-bit numbers */
	char paths[REQUEST_FIELDS][PATH_MAX];
};

/* Parses the fields after a request's id as shape says, one letter for each:
 *     h handle    p path    q 64-bit offset    l 64-bit length    u 32-bit number
 *     a attrs     d data    i string of 32-bit numbers
 * Bytes after the last field are ignored, as OpenSSH ignores them.
 * Returns 0, -EBADMSG when the packet is too short for the shape, a path holds a NUL or a
 * string of numbers ends within one, -ENAMETOOLONG when a path does not fit. */
int request_parse(const char *shape, struct wire_reader *reader, struct request *out);

#endif
