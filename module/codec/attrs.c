/* codec: file attributes.  No I/O. */
#include "codec/attrs.h"

#include "codec/sftp.h"

void attrs_get(struct wire_reader *reader, struct attrs *attrs)
{
	*attrs = (struct attrs){.flags = wire_get_u32(reader)};
	if (attrs->flags & SFTP_ATTR_SIZE)
		attrs->size = wire_get_u64(reader);
	if (attrs->flags & SFTP_ATTR_UIDGID) {
		attrs->uid = wire_get_u32(reader);
		attrs->gid = wire_get_u32(reader);
	}
	if (attrs->flags & SFTP_ATTR_PERMISSIONS)
		attrs->permissions = wire_get_u32(reader);
	if (attrs->flags & SFTP_ATTR_TIMES) {
		attrs->atime = wire_get_u32(reader);
		attrs->mtime = wire_get_u32(reader);
	}
	if (attrs->flags & SFTP_ATTR_EXTENDED) {
		uint32_t count = wire_get_u32(reader);

		if (count > ATTRS_EXTENDED_MAX)
			reader->failed = true;
		for (uint32_t i = 0; i < count && !reader->failed; i++) {
			(void)wire_get_string(reader);
			(void)wire_get_string(reader);
		}
	}
}

void attrs_put(struct wire_writer *writer, const struct attrs *attrs)
{
	wire_put_u32(writer, attrs->flags & ~SFTP_ATTR_EXTENDED);
	if (attrs->flags & SFTP_ATTR_SIZE)
		wire_put_u64(writer, attrs->size);
	if (attrs->flags & SFTP_ATTR_UIDGID) {
		wire_put_u32(writer, attrs->uid);
		wire_put_u32(writer, attrs->gid);
	}
	if (attrs->flags & SFTP_ATTR_PERMISSIONS)
		wire_put_u32(writer, attrs->permissions);
	if (attrs->flags & SFTP_ATTR_TIMES) {
		wire_put_u32(writer, attrs->atime);
		wire_put_u32(writer, attrs->mtime);
	}
}

void attrs_from_stat(const struct stat *st, struct attrs *attrs)
{
	*attrs = (struct attrs){
	    .flags = SFTP_ATTR_SIZE | SFTP_ATTR_UIDGID | SFTP_ATTR_PERMISSIONS | SFTP_ATTR_TIMES,
	    .size = (uint64_t)st->st_size,
	    .uid = st->st_uid,
	    .gid = st->st_gid,
	    .permissions = st->st_mode,
	    .atime = (uint32_t)st->st_atime,
	    .mtime = (uint32_t)st->st_mtime,
	};
}
