/* server: names of clients, made safe for a log line. */
#include "server/log_name.h"

#include "util/escape.h"

#include <string.h>

const char *log_bytes(const void *bytes, size_t len)
{
	/* The crew logs too. */
	static _Thread_local char texts[2][900];
	static _Thread_local unsigned int turn;

	turn ^= 1;
	return escape_text(bytes, len, texts[turn], sizeof(texts[turn]));
}

const char *log_name(const char *name)
{
	return log_bytes(name, strlen(name));
}
