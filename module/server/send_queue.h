/* server: what the kernel has not yet got across to the client. */
#ifndef SD_SERVER_SEND_QUEUE_H
#define SD_SERVER_SEND_QUEUE_H

#include <stdint.h>

/* Bytes that the TCP socket of a connection still holds, unsent or not acknowledged; connection is
 * "CLIENT PORT SERVER PORT", as sshd puts it into SSH_CONNECTION.  Asked by sock_diag(7), for the
 * socket is another process's.  Returns them, 0 when there is no such socket any more, or a
 * negative errno when it cannot be known. */
int64_t send_queue_bytes(const char *connection);

#endif
