/* server: names of clients, made safe for a log line. */
#include "server/log_name.h"

#include "util/escape.h"

#include <string.h>

const char *log_name(const char *name)
{
	/* The crew logs too. */
	static _Thread_local char texts[2][900];
	static _Thread_local unsigned int turn;

	turn ^= 1;
	return escape_text(name, strlen(name), texts[turn], sizeof(texts[turn]));
}
