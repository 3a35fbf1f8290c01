/* codec: file attributes (draft-ietf-secsh-filexfer-02 section 5).  No I/O. */
#ifndef SD_CODEC_ATTRS_H
#define SD_CODEC_ATTRS_H

#include "codec/wire.h"

#include <stdint.h>
#include <sys/stat.h>

/* A field counts only when its SFTP_ATTR_ bit is in flags. */
struct attrs {
	uint32_t flags;
	uint64_t size;
	uint32_t uid, gid;
	uint32_t permissions;
	uint32_t atime, mtime; /* seconds of the Unix epoch */
};

/* Extended pairs that a request may carry at most.  They are read and ignored: version 3 defines
 * none. */
#define ATTRS_EXTENDED_MAX 128

/* uint32 flags; uint64 size; uint32 uid, gid; uint32 permissions; uint32 atime, mtime; uint32 count
 * and that many pairs of strings: each part only when its flag is set.  Too many pairs fail the
 * reader. */
void attrs_get(struct wire_reader *reader, struct attrs *attrs);
void attrs_put(struct wire_writer *writer, const struct attrs *attrs);

/* What stat(2) tells, all four parts. */
void attrs_from_stat(const struct stat *st, struct attrs *attrs);

#endif
