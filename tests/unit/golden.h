/* unit tests: one long session, request by request, with what every reply and log line says. */
#ifndef SD_TESTS_GOLDEN_H
#define SD_TESTS_GOLDEN_H

#include <stddef.h>

/* A request as script_request reads it, and what is to come of it.  OpenSSH's server must do the same
 * but for what is listed here, and for three things that hold everywhere: the text of a STATUS that
 * tells a failure (ours says what failed), the bytes of a handle, and a line "sent status ...", which
 * the tests add to both logs by themselves. */
struct exchange {
	const char *request;
	/* As script_show shows it.  "=": anything but a STATUS, the same from both. */
	const char *reply;
	/* Log lines joined by "; ", those of VERBOSE with a "~" in front; "*": any. */
	const char *log;
	/* OpenSSH's, where it differs: all of its releases since 9.2, separated by " | ".  The reply
	 * "-": it would not survive the request, and is not sent it; "NONE": it answers nothing, but logs something. */
	const char *their_reply, *their_log;
	const char *why;
};

extern const struct exchange golden[];
extern const size_t golden_count;

/* Makes the tree that the session works in, in the current directory. */
void golden_make_tree(void);

/* What the log says before the first request and after the last. */
extern const char golden_opened[], golden_closed[];

#endif
