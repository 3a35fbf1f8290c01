/* fuzzing: what an input means: how a session goes, and the stream that its client sends.
 *
 * An input is two bytes of enum way, the lower first, and a row of pieces of the stream: two bytes, the lower first, of which
 * the upper four bits are the kind of the piece (enum piece) and the others its length; then the piece.
 * INIT and the opening of handles come by themselves, the handles' bytes being always the same, and so
 * does the removal of a file at the end. */
#ifndef SD_TESTS_SCRIPT_H
#define SD_TESTS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum way {
	WAY_ORDER = 0x03,   /* what is in force from the start; 0: nothing */
	WAY_REFUSED = 0x01, /* of these: the session was not admitted */
	WAY_TRANSFER = 0x02,
	WAY_NOW = 0x03,
	WAY_READ_ONLY = 0x04,
	WAY_WRITES =
	    0x08,         /* a third handle is opened, for writing: nothing is sent by pages then */
	WAY_CHUNK = 0x30, /* the most that one read of the stream gives */
	WAY_LOGGED = 0x40,
	WAY_UNREAD = 0x80, /* the client is gone: nobody reads the replies */
	WAY_SLOW = 0x100,  /* the file system counts as slow: the crew works */
};

enum piece {
	PIECE_PACKET,     /* what follows a packet's length */
	PIECE_PACKET_32K, /* the same, with zeroes after it, as WRITE of 32 KiB has it */
	PIECE_PACKET_MAX, /* the same, up to the largest packet */
	PIECE_RAW,        /* bytes as they are */
};

#define SCRIPT_MAX (1u << 20) /* of a stream: what a pipe takes without asking root */
#define SCRIPT_LAST_FILE "/last"

struct script {
	uint16_t way;
	uint8_t stream[SCRIPT_MAX];
	size_t len;    /* from script_send on: of what was sent */
	bool sent_all; /* the last request too */
};

/* From at least SCRIPT_HEAD bytes. */
#define SCRIPT_HEAD 2
void script_make(struct script *script, const uint8_t *data, size_t size);

/* The most bytes that a read of the stream is to give. */
size_t script_chunk(const struct script *script);

/* Writes the stream to a new pipe, as much as it takes, which is then all that was ever sent.  Returns
 * the end to read from, or a negative errno. */
int script_send(struct script *script);

/* Whether that is the last request of the whole stream, which removes SCRIPT_LAST_FILE. */
bool script_is_last(const struct script *script, const uint8_t *packet, size_t len);

#endif
