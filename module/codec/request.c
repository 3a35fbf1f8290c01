/* codec: a request, parsed whole before anything is done about it.  No I/O. */
#include "codec/request.h"

#include <errno.h>
#include <string.h>

static int copy_path(struct wire_span text, char out[PATH_MAX])
{
	if (text.len >= PATH_MAX)
		return -ENAMETOOLONG;
	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		return -EBADMSG;
	if (text.len > 0)
		memcpy(out, text.data, text.len);
	out[text.len] = '\0';
	return 0;
}

int request_parse(const char *shape, struct wire_reader *reader, struct request *out)
{
	size_t handles = 0, paths = 0, offsets = 0, ids = 0;
	int rc = 0;

	for (; *shape != '\0' && rc == 0; shape++) {
		switch (*shape) {
		case 'h':
			out->handles[handles++] = wire_get_string(reader);
			break;
		case 'p':
			rc = copy_path(wire_get_string(reader), out->paths[paths++]);
			break;
		case 'q':
			out->offsets[offsets++] = wire_get_u64(reader);
			break;
		case 'l':
			out->length = wire_get_u64(reader);
			break;
		case 'u':
			out->number = wire_get_u32(reader);
			break;
		case 'a':
			attrs_get(reader, &out->attrs);
			break;
		case 'd':
			out->data = wire_get_string(reader);
			break;
		case 'i':
			out->ids[ids] = wire_get_string(reader);
			rc = out->ids[ids++].len % 4 == 0 ? 0 : -EBADMSG;
			break;
		default:
			return -EBADMSG;
		}
	}
	return reader->failed ? -EBADMSG : rc;
}
