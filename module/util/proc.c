/* util: processes by identity.  A pid alone is never trusted: it is reused. */
#include "util/proc.h"

#include "util/decimal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Why /proc/PID is not there: -ESRCH when there is no such process, -ENOENT when there is no /proc
 * (in a jail) or it hides the process from this user (hidepid in proc(5)). */
static int explain_missing(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return errno == ESRCH ? -ESRCH : -ENOENT;
	close(fd);
	return -ENOENT;
}

/* Reads the start of /proc/PID/NAME, NUL-terminated. */
static int read_proc_file(pid_t pid, const char *name, char *out, size_t out_len)
{
	char path[64] = "/proc/", *end;
	ssize_t got;
	int fd;

	if (pid <= 0)
		return -ESRCH;
	end = stpcpy(decimal_put((uint64_t)pid, path + strlen(path)), "/");
	strcpy(end, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? explain_missing(pid) : -errno;
	/* Those files give all that they have at once. */
	do
		got = read(fd, out, out_len - 1);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return (int)got;
	if (got == 0)
		return -ESRCH;
	out[got] = '\0';
	return 0;
}

/* Fields 3 (state), 4 (ppid), 6 (session) and 22 (starttime) of proc(5). */
static int parse_fields(const char *at, struct proc_stat *out)
{
	uint64_t value = 0;

	if (at[0] != ' ' || at[1] == '\0')
		return -EPROTO;
	out->state = at[1];
	at += 2;
	for (int field = 4; field <= 22; field++) {
		if (*at++ != ' ')
			return -EPROTO;
		/* Negative are only fields that are not wanted. */
		at += *at == '-';
		if (!decimal_take(&at, UINT64_MAX, &value))
			return -EPROTO;
		if (field == 4)
			out->parent = (pid_t)value;
		else if (field == 6)
			out->session = (pid_t)value;
	}
	out->id.start = value;
	return 0;
}

int proc_read_stat(pid_t pid, struct proc_stat *out)
{
	char line[1024], *open_paren, *close_paren;
	int rc = read_proc_file(pid, "stat", line, sizeof(line));

	if (rc != 0)
		return rc;
	/* The command may hold spaces and parentheses itself: the last one ends it. */
	open_paren = strchr(line, '(');
	close_paren = strrchr(line, ')');
	if (open_paren == NULL || close_paren == NULL || close_paren < open_paren)
		return -EPROTO;
	*close_paren = '\0';
	out->id.pid = pid;
	out->comm[0] = '\0';
	strncat(out->comm, open_paren + 1, sizeof(out->comm) - 1);
	return parse_fields(close_paren + 1, out);
}

int proc_self(struct proc_id *out)
{
	struct proc_stat stat;
	int rc = proc_read_stat(getpid(), &stat);

	if (rc == 0)
		*out = stat.id;
	return rc;
}

static bool stat_is_of(const struct proc_stat *stat, struct proc_id id)
{
	return stat->id.start == id.start && stat->state != 'Z' && stat->state != 'X';
}

bool proc_is_alive(struct proc_id id)
{
	struct proc_stat stat;
	int rc;

	if (id.pid <= 0)
		return false;
	rc = proc_read_stat(id.pid, &stat);
	if (rc == -ESRCH)
		return false;
	return rc != 0 || stat_is_of(&stat, id);
}

int proc_read_uid(pid_t pid, uid_t *uid)
{
	char text[4096], *line;
	unsigned long value;
	int rc = read_proc_file(pid, "status", text, sizeof(text));

	if (rc != 0)
		return rc;
	line = strstr(text, "\nUid:");
	if (line == NULL || sscanf(line, "\nUid: %lu", &value) != 1)
		return -EPROTO;
	*uid = (uid_t)value;
	return 0;
}

int proc_pin(struct proc_id id, int *pidfd)
{
	struct proc_stat stat;
	int fd, rc;

	if (id.pid <= 0)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, id.pid, 0);
	if (fd < 0)
		return -errno;
	/* Only now is the pid pinned, so only now does the start time say whose it is. */
	rc = proc_read_stat(id.pid, &stat);
	if (rc == 0 && !stat_is_of(&stat, id))
		rc = -ESRCH;
	if (rc != 0) {
		close(fd);
		return rc;
	}
	*pidfd = fd;
	return 0;
}

int proc_pin_ancestor(struct proc_id id, int *pidfd)
{
	int fd;

	if (id.pid != getppid())
		return proc_pin(id, pidfd);
	fd = (int)syscall(SYS_pidfd_open, id.pid, 0);
	if (fd < 0)
		return -errno;
	/* A parent that dies leaves us to another: this one has lived all the time. */
	if (id.pid == getppid()) {
		*pidfd = fd;
		return 0;
	}
	close(fd);
	return -ESRCH;
}

int proc_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) == 0 ? 0 : -errno;
}

bool proc_pin_ended(int pidfd)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};

	return poll(&wait, 1, 0) == 1;
}

/* Adds pid when it is a live child of parent. */
static void add_child(pid_t parent, pid_t pid, pid_t *children, size_t max, size_t *count)
{
	struct proc_stat stat;

	if (proc_read_stat(pid, &stat) != 0 || stat.parent != parent || stat.state == 'Z' ||
	    stat.state == 'X')
		return;
	if (*count < max)
		children[*count] = pid;
	(*count)++;
}

/* From the kernel's own list, which holds those of the first thread only: sshd has no other. */
static int read_children_list(pid_t parent, pid_t *children, size_t max, size_t *count)
{
	char path[64];
	FILE *list;
	long pid;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)parent, (long)parent);
	list = fopen(path, "re");
	if (list == NULL)
		return -errno;
	while (fscanf(list, "%ld", &pid) == 1)
		add_child(parent, (pid_t)pid, children, max, count);
	fclose(list);
	return 0;
}

int proc_read_children(pid_t parent, pid_t *children, size_t max, size_t *count)
{
	struct dirent *entry;
	DIR *proc;

	*count = 0;
	if (read_children_list(parent, children, max, count) == 0)
		return 0;
	/* A kernel without CONFIG_PROC_CHILDREN. */
	proc = opendir("/proc");
	if (proc == NULL)
		return -errno;
	while ((entry = readdir(proc)) != NULL) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (pid > 0 && *end == '\0')
			add_child(parent, (pid_t)pid, children, max, count);
	}
	closedir(proc);
	return 0;
}
