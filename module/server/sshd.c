/* server: finding the sshd process that serves this connection, and what else it serves. */
#include "server/sshd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANCESTORS_MAX 16

int sshd_find_below(struct proc_id monitor, struct proc_id *out)
{
	/* Of ourselves no more is asked than these two. */
	struct proc_stat at = {.id.pid = getpid(), .parent = getppid()}, above;

	for (int i = 0; i < ANCESTORS_MAX; i++) {
		int rc = proc_read_stat(at.parent, &above);

		if (rc != 0)
			return rc;
		if (above.id.pid != monitor.pid) {
			at = above;
			continue;
		}
		if (above.id.start != monitor.start)
			return -ESRCH;
		/* The child is the command itself when there is no process in between: sshd's
		 * processes share a name, which a command's does not. */
		*out = strcmp(at.comm, above.comm) == 0 && at.id.pid != getpid() ? at.id : above.id;
		return 0;
	}
	return -ESRCH;
}

static bool has_server_name(const struct proc_stat *stat)
{
	static const char *const names[] = {"sshd", "sshd-session", "dropbear", "tinysshd"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(stat->comm, names[i]) == 0)
			return true;
	}
	return false;
}

/* An sshd that was started under another name: root's process above it has that name too, and below it
 * each command leads a session of its own (setsid(2)). */
static bool is_renamed_sshd(const struct proc_stat *stat, const struct proc_stat *below)
{
	struct proc_stat parent;
	uid_t uid;

	return below->session == below->id.pid && proc_read_stat(stat->parent, &parent) == 0 &&
	       strcmp(parent.comm, stat->comm) == 0 && proc_read_uid(parent.id.pid, &uid) == 0 &&
	       uid == 0;
}

/* One that runs as a third user is not of this session: somebody has changed the user below it (su). */
static int check_owner(const struct proc_stat *server)
{
	uid_t uid;
	int rc = proc_read_uid(server->id.pid, &uid);

	return rc == 0 && uid != getuid() && uid != 0 ? -ESRCH : rc;
}

int sshd_find_above(struct proc_id *out)
{
	struct proc_stat at, above;
	int rc;

	if (getenv("SSH_CONNECTION") == NULL)
		return -ESRCH;
	rc = proc_read_stat(getpid(), &at);
	for (int i = 0; rc == 0 && i < ANCESTORS_MAX; i++) {
		rc = proc_read_stat(at.parent, &above);
		if (rc != 0)
			return rc;
		if (has_server_name(&above) || is_renamed_sshd(&above, &at)) {
			*out = above.id;
			return check_owner(&above);
		}
		at = above;
	}
	return rc != 0 ? rc : -ESRCH;
}

bool sshd_has_children(struct proc_id sshd)
{
	pid_t child;
	size_t count;

	if (proc_read_children(sshd.pid, &child, 1, &count) != 0)
		return true;
	return count > 1 || (count == 1 && child != getpid());
}

int sshd_pin_child(struct proc_id sshd, int *pidfd)
{
	pid_t children[2] = {0, 0};
	struct proc_stat child;
	size_t count;
	int rc = proc_read_children(sshd.pid, children, 2, &count);

	if (rc == 0 && count > 0 && children[0] == getpid()) {
		children[0] = children[1];
		count--;
	}
	if (rc == 0 && count == 0)
		rc = -ESRCH;
	if (rc == 0)
		rc = proc_read_stat(children[0], &child);
	return rc == 0 ? proc_pin(child.id, pidfd) : rc;
}
