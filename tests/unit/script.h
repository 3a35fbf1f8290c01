/* unit tests: requests and replies as text, so that a table of them can be read. */
#ifndef SD_TESTS_SCRIPT_H
#define SD_TESTS_SCRIPT_H

#include "packet.h"

#include <stddef.h>

#define SCRIPT_HANDLE_MAX 16

/* Handles by their letter, A to Z, as one server gave them. */
struct script_handles {
	struct {
		size_t len;
		uint8_t bytes[SCRIPT_HANDLE_MAX];
	} of[26];
};

/* Makes a request under that id from its text: the name as -Q prints it (or a number, or an
 * extension that nobody knows, with an "@"), then fields, separated by blanks:
 *     'text'    a string; \xNN is that byte
 *     @N        a string of N times "x"
 *     #A        the handle A
 *     i:1,2     a string of 32-bit numbers
 *     u:N q:N   32 and 64 bits; a leading 0 or 0x counts
 *     none      attributes: none; or one or more of them, joined by "+", in the protocol's order:
 *     size:N owner mode:N times:ATIME,MTIME    (owner is who runs the test) */
void script_request(
    struct packet *packet, const char *text, uint32_t id, const struct script_handles *handles);

/* What the reply says, in a buffer that the next call overwrites.  Every byte of the reply counts: a
 * field that is missing, or a byte too many, shows.  The request's text says what an EXTENDED_REPLY
 * is of.  Of what stands in the reply, these become words:
 *     $D   the directory (every server works in one of its own)
 *     $O   in a long name, the names of the user and the group that run the test
 *     own  in attributes, their numbers
 * "." and ".." are left out of the names of a READDIR and the rest is sorted.  A handle is learned,
 * under the letter with which expected ends when that is "HANDLE A". */
const char *script_show(const struct packet *reply, uint32_t id, const char *request,
    const char *directory, const char *expected, struct script_handles *handles);

#endif
