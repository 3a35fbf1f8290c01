/* control: a small JSON writer (RFC 8259).  Knows nothing of what it writes. */
#ifndef SD_CONTROL_JSON_H
#define SD_CONTROL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out; /* borrowed */
	unsigned int depth;
	bool follows; /* a value stands before, in the same object or array */
};

void json_start(struct json *json, FILE *out);

/* Each writes one value; key is its name in the object it is in, or NULL in an array and at the
 * top. Objects and arrays are ended by whoever began them. */
void json_begin_object(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_begin_array(struct json *json, const char *key);
void json_end_array(struct json *json);
void json_number(struct json *json, const char *key, uint64_t value);
void json_null(struct json *json, const char *key);

/* text is hostile: what is a control character, C1 ones included, is written as \u00XX, and each
 * byte that is no part of well-formed UTF-8 as U+FFFD. */
void json_string(struct json *json, const char *key, const char *text);

/* Ends the line behind the outermost value. */
void json_finish(struct json *json);

#endif
