/* tests: what the parts of the program `siblings` share: the connection, its channels, how a command
 * answers. */
#ifndef SD_TESTS_SIBLINGS_H
#define SD_TESTS_SIBLINGS_H

#include <libssh/libssh.h>
#include <libssh/sftp.h>
#include <stdbool.h>
#include <stdint.h>

#define CHANNELS_MAX 32

/* One channel: an SFTP session with at most one transfer, or a shell or command (sftp is NULL). */
struct channel {
	bool used;
	sftp_session sftp;
	ssh_channel plain;
	sftp_file file; /* the open transfer's */
	bool upload;
	uint64_t seed, size, offset;
};

struct siblings {
	ssh_session ssh;
	int fd; /* the socket's, a duplicate: it stays valid when libssh closes its own */
	struct channel channels[CHANNELS_MAX];
};

/* Answers, one line each: "ok ..." or "error ...". */
void reply_ok(const char *format, ...) __attribute__((format(printf, 1, 2)));
void reply_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Answers with what libssh knows of the failure: the server's text when there is one. */
void reply_failure(struct siblings *siblings, struct channel *channel);

/* Commands on an SFTP session.  args are the words after the session's number. */
void transfer_put(struct siblings *siblings, struct channel *channel, char **args);
void transfer_get(struct siblings *siblings, struct channel *channel, char **args);
void transfer_step(struct siblings *siblings, struct channel *channel, char **args);
void transfer_flood(struct siblings *siblings, struct channel *channel, char **args);
void transfer_burst(struct siblings *siblings, struct channel *channel, char **args);
void transfer_eof(struct siblings *siblings, struct channel *channel, char **args);
void transfer_listen(struct siblings *siblings, struct channel *channel, char **args);
void transfer_finish(struct siblings *siblings, struct channel *channel, char **args);

#endif
