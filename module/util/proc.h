/* util: processes by identity.  A pid alone is never trusted: it is reused. */
#ifndef SD_UTIL_PROC_H
#define SD_UTIL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Who a process is: its pid, and when it started in clock ticks since boot (proc(5), field 22 of
 * /proc/PID/stat). */
struct proc_id {
	pid_t pid;
	uint64_t start;
};

#define PROC_COMM_MAX 64

struct proc_stat {
	struct proc_id id;
	pid_t parent;
	pid_t session;
	char state; /* 'Z' and 'X' are dead */
	char comm[PROC_COMM_MAX];
};

/* Reads /proc/PID/stat.  Returns 0, -ESRCH when there is no such process, -EPROTO when the line is
 * not understood, or another negative errno (-ENOENT: no /proc here, as inside a jail, or one that
 * hides the processes of other users). */
int proc_read_stat(pid_t pid, struct proc_stat *out);

/* The calling process.  Returns as proc_read_stat. */
int proc_self(struct proc_id *out);

/* Whether the process id still runs; a zombie does not.  When /proc cannot be read the answer is
 * true: what cannot be proved dead is not reaped. */
bool proc_is_alive(struct proc_id id);

/* The real uid of a process, from /proc/PID/status.  Returns 0 or a negative errno. */
int proc_read_uid(pid_t pid, uid_t *uid);

/* Opens a pidfd for the process id and then verifies the start time, so that the descriptor is of
 * that process and of no later one with its pid.  On success *pidfd is the caller's to close
 * (close-on-exec).  Returns 0, -ESRCH when the process is gone, or another negative errno. */
int proc_pin(struct proc_id id, int *pidfd);

/* As proc_pin, for an id that was found by way of getppid(2): while it is our parent still, it is the
 * process that was found, and its start time need not be read again. */
int proc_pin_ancestor(struct proc_id id, int *pidfd);

/* Sends a signal through a pidfd (pidfd_send_signal(2)).  Returns 0 or a negative errno. */
int proc_signal(int pidfd, int signal);

/* Whether the process behind a pidfd has ended (a pidfd is readable from then on). */
bool proc_pin_ended(int pidfd);

/* Fills children with up to max pids of the live children of parent and sets *count to how many
 * there are in all; those that other threads than the first have forked may be missed.  Returns 0 or a negative errno. */
int proc_read_children(pid_t parent, pid_t *children, size_t max, size_t *count);

#endif
