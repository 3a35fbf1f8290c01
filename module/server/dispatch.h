/* server: the one table of requests, and the way of a request through it. */
#ifndef SD_SERVER_DISPATCH_H
#define SD_SERVER_DISPATCH_H

#include "server/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Carries out the request in a packet of len bytes, its length field not counted, and makes the reply,
 * which has been begun but for its id in at least REPLY_MAX bytes; *reply_len is what it takes there (0: it
 * has been added to the server's output as pages).  What is wrong with a request is told to the client.
 * Returns 0; -EAGAIN when nothing was done, for the output has first to be sent or taken
 * (output_add_pages, output_shares_pages); or -EPROTO when the packet is not even a request (no type, no
 * id, nothing before INIT): the stream cannot be trusted further. */
int dispatch_packet(struct server *server, const uint8_t *packet, size_t len, struct reply *reply,
    size_t *reply_len);

/* The same in two parts.  The first, with a request of the caller's to parse into, may run in another
 * thread, with reply->apart set and, when dispatch_is_pure, beside others of its kind; before
 * dispatch_account nobody sees what it has read. */
int dispatch_carry_out(struct server *server, struct request *request, const uint8_t *packet,
    size_t len, struct reply *reply);
void dispatch_account(struct server *server, const struct reply *reply);

/* Whether the request changes nothing, so that several may be carried out at a time; and the bytes that
 * hold any reply to it. */
bool dispatch_is_pure(const uint8_t *packet, size_t len);
size_t dispatch_reply_most(const uint8_t *packet, size_t len);

/* Decides once which requests the options permit: read-only, then the denied, then the allowed. */
void dispatch_set_permissions(const struct options *options);

/* Prints every request's name, one a line (-Q requests). */
void dispatch_print_names(FILE *out);

/* Whether each name in the list, separated by commas, is of a request; if not, the first that is
 * not is written to unknown, cut to fit. */
bool dispatch_names_known(const char *list, char *unknown, size_t unknown_len);

#endif
