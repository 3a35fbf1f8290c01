/* control: a small JSON writer (RFC 8259).  Knows nothing of what it writes. */
#include "control/json.h"

#include <inttypes.h>

void json_start(struct json *json, FILE *out)
{
	*json = (struct json){.out = out};
}

static void new_line(struct json *json)
{
	fputc('\n', json->out);
	for (unsigned int i = 0; i < json->depth; i++)
		fputs("  ", json->out);
}

/* The length of the character that text begins with, and its number; 0 for a byte that is no part
 * of well-formed UTF-8 (RFC 3629 section 4).  Stops at the NUL, which continues nothing. */
static unsigned int decode_utf8(const unsigned char *text, uint32_t *number)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned int length;

	if (text[0] < 0x80)
		length = 1;
	else if (text[0] < 0xc0 || text[0] >= 0xf8)
		return 0;
	else
		length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	*number = length == 1 ? text[0] : text[0] & (0xffu >> (length + 1));
	for (unsigned int i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*number = *number << 6 | (text[i] & 0x3fu);
	}
	if (length > 1 && *number < least[length])
		return 0;
	if (*number > 0x10ffff || (*number >= 0xd800 && *number < 0xe000))
		return 0;
	return length;
}

static void write_string(struct json *json, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', json->out);
	while (*at != '\0') {
		uint32_t number;
		unsigned int length = decode_utf8(at, &number);

		if (length == 0)
			fputs("\\ufffd", json->out);
		else if (number < 0x20 || (number >= 0x7f && number < 0xa0))
			fprintf(json->out, "\\u%04" PRIx32, number);
		else if (number == '"' || number == '\\')
			fprintf(json->out, "\\%c", (char)number);
		else
			fwrite(at, 1, length, json->out);
		at += length > 0 ? length : 1;
	}
	fputc('"', json->out);
}

/* What stands before each value. */
static void begin_value(struct json *json, const char *key)
{
	if (json->follows)
		fputc(',', json->out);
	if (json->depth > 0)
		new_line(json);
	if (key != NULL) {
		write_string(json, key);
		fputs(": ", json->out);
	}
	json->follows = true;
}

static void begin_inner(struct json *json, const char *key, char bracket)
{
	begin_value(json, key);
	fputc(bracket, json->out);
	json->depth++;
	json->follows = false;
}

static void end_inner(struct json *json, char bracket)
{
	json->depth--;
	if (json->follows)
		new_line(json);
	fputc(bracket, json->out);
	json->follows = true;
}

void json_begin_object(struct json *json, const char *key)
{
	begin_inner(json, key, '{');
}

void json_end_object(struct json *json)
{
	end_inner(json, '}');
}

void json_begin_array(struct json *json, const char *key)
{
	begin_inner(json, key, '[');
}

void json_end_array(struct json *json)
{
	end_inner(json, ']');
}

void json_number(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_null(struct json *json, const char *key)
{
	begin_value(json, key);
	fputs("null", json->out);
}

void json_string(struct json *json, const char *key, const char *text)
{
	begin_value(json, key);
	write_string(json, text);
}

void json_finish(struct json *json)
{
	fputc('\n', json->out);
}
