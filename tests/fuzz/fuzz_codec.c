/* fuzzing: the codec alone.  The first byte picks a request's shape, the rest is its fields. */
#include "codec/attrs.h"
#include "codec/request.h"
#include "codec/sftp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const shapes[] = {
    "pua", "h", "hqu", "hqd", "p", "pa", "ha", "pp", "hqlhq", "", "a", "d", "ppaa", "ii"};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_span(const struct wire_reader *reader, struct wire_span span)
{
	if (span.data != NULL)
		check(span.data >= reader->data && span.len <= reader->len &&
		      (size_t)(span.data - reader->data) <= reader->len - span.len);
	else
		check(span.len == 0);
}

/* What is written again must read the same. */
static void check_attrs(const struct attrs *attrs)
{
	uint8_t bytes[64];
	struct wire_writer writer = {.data = bytes, .cap = sizeof(bytes)};
	struct wire_reader reader = {.data = bytes};
	struct attrs again;

	attrs_put(&writer, attrs);
	check(!writer.failed);
	reader.len = writer.at;
	attrs_get(&reader, &again);
	check(!reader.failed && wire_left(&reader) == 0);
	check(again.flags == (attrs->flags & ~SFTP_ATTR_EXTENDED));
	check(again.size == attrs->size && again.uid == attrs->uid && again.gid == attrs->gid &&
	      again.permissions == attrs->permissions && again.atime == attrs->atime &&
	      again.mtime == attrs->mtime);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct request request;
	struct wire_reader reader;

	if (size == 0)
		return 0;
	memset(&request, 0, sizeof(request));
	reader = (struct wire_reader){.data = data + 1, .len = size - 1};
	if (request_parse(
		shapes[data[0] % (sizeof(shapes) / sizeof(shapes[0]))], &reader, &request) != 0)
		return 0;
	check(!reader.failed && reader.at <= reader.len);
	for (size_t i = 0; i < REQUEST_FIELDS; i++) {
		check_span(&reader, request.handles[i]);
		check_span(&reader, request.ids[i]);
		check(request.ids[i].len % 4 == 0);
		check(memchr(request.paths[i], '\0', PATH_MAX) != NULL);
	}
	check_span(&reader, request.data);
	check_attrs(&request.attrs);
	return 0;
}
