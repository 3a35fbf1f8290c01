/* server: finding the sshd process that serves this connection, and what else it serves. */
#ifndef SD_SERVER_SSHD_H
#define SD_SERVER_SSHD_H

#include "util/proc.h"

#include <stdbool.h>

/* The process below the monitor that runs this connection for the user: the child of monitor on the
 * way up from here or, where sshd does not separate privileges (root's logins before OpenSSH 9.8),
 * the monitor itself.  Returns 0, -ESRCH when monitor is not an ancestor of ours, or another
 * negative errno. */
int sshd_find_below(struct proc_id monitor, struct proc_id *out);

/* Without a monitor to go by: the nearest process on the way up from here that is named as an SSH server is
 * (or is an sshd under another name, which has a parent of its own name that runs as root).  Accepted only
 * when SSH_CONNECTION is set and the process is ours, or root's: dropbear before 2025.89 and tinysshd
 * serve a connection as root for all of its time, and we may not signal them then.  Returns likewise. */
int sshd_find_above(struct proc_id *out);

/* Whether sshd has a child other than the caller (a shell, a command, another subsystem).  Where it
 * cannot be known the answer is true: what may be in use is not closed. */
bool sshd_has_children(struct proc_id sshd);

/* Pins one of those children; *pidfd is the caller's to close.  Returns 0, -ESRCH there is none, or
 * another negative errno. */
int sshd_pin_child(struct proc_id sshd, int *pidfd);

#endif
