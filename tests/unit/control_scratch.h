/* unit tests: the operator's command in this process, on a real table and real members files below a directory
 * of its own.  The test is the monitor of its connections; sessions are children.  What fails, fails the test. */
#ifndef SD_TESTS_CONTROL_SCRATCH_H
#define SD_TESTS_CONTROL_SCRATCH_H

#include "control/control.h"
#include "control/scope.h"
#include "table/members.h"
#include "table/table.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CHILDREN_MAX 64
#define NOBODY 65534

/* The last run of the command. */
struct run_result {
	int status;
	char *out, *err;
	uint64_t took_ns;
};
extern struct run_result result;

/* Runs "sftp-drain --rundir ... --shmdir ..." with the words of line, which spaces separate; or with exactly
 * these. */
void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
void run_vector(int argc, char **argv);
/* The same as a user who is not the connection's: the status, or -1 when the output has not that text. */
int status_as_nobody(const char *line, const char *expected_out);

#define EXPECT_STATUS(expected)                                                                    \
	cr_expect_eq(result.status, (int)(expected), "status %d, out: %s err: %s", result.status,  \
	    result.out, result.err)
#define EXPECT_IN(text, part)                                                                      \
	cr_expect(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text)
#define EXPECT_NOT_IN(text, part)                                                                  \
	cr_expect(strstr(text, part) == NULL, "\"%s\" is in: %s", part, text)

/* Makes the directories; ends the children and removes all. */
extern char base[64], rundir[96], shmdir[96];
void make_dirs(void);
void remove_dirs(void);

/* The children, which are ended with the test. */
extern pid_t children[CHILDREN_MAX];
extern size_t child_count;
void end_child(pid_t pid);
/* Makes a child and returns, in the parent, once the child has written to *ready. */
pid_t fork_ready(int *ready);

/* The table, and the last connection opened in it, of whose user newcomers get that under an order. */
extern struct table table;
extern struct connection_ref ref;
extern enum policy_while_draining newcomers_get;
/* Opens one of a user, of the caller, that the calling process is the monitor of. */
void open_connection_of(uid_t uid);
void open_connection(void);

enum ending {
	ENDS_CLEAN,
	ENDS_FORCED,
	ENDS_KILLED,
	STAYS,
};

/* The orders that sessions started from here on have seen. */
extern struct drain_plan sessions_see;
/* That on the host. */
void see_host_order(void);
/* A session of that connection, which ends so after delay_ms; or of an advisory one, whose sshd is the test
 * itself and whose ID goes to id. */
pid_t start_session(enum ending ending, unsigned int delay_ms);
pid_t start_advisory_session(enum ending ending, unsigned int delay_ms, char id[SCOPE_ID_MAX]);
/* Takes an advisory connection's file away, as its last session does. */
void remove_advisory(const char *id);
/* In a session: shows two files being moved; ends. */
void show_work(struct membership *membership);
void end_session(struct membership *membership, enum ending ending, unsigned int delay_ms);

#endif
