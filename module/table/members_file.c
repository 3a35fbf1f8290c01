/* table: where members files are and how they are made and opened.  Never logs or exits. */
#include "table/members_file.h"

#include "util/clock.h"
#include "util/safe_open.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRIVATE (S_IRWXG | S_IRWXO)

/* Files of dead connections that one newcomer removes. */
#define SWEEP_MAX 64

static char *advisory_dir(const char *shmdir, uid_t uid, char out[MEMBERS_PATH_MAX])
{
	snprintf(out, MEMBERS_PATH_MAX, "%s-%lu", shmdir, (unsigned long)uid);
	return out;
}

static char *advisory_name(struct proc_id sshd, char out[CONNECTION_REF_TEXT_MAX])
{
	snprintf(out, CONNECTION_REF_TEXT_MAX, "%ld.%" PRIu64, (long)sshd.pid, sshd.start);
	return out;
}

/* Writes a new members file, whole but not yet under a name that anybody looks for. */
static int fill_file(int fd, const struct members_header *header, uid_t uid, gid_t gid)
{
	int rc;

	if (ftruncate(fd, (off_t)MEMBERS_SIZE) != 0)
		return -errno;
	rc = safe_pwrite(fd, header, sizeof(*header), 0);
	if (rc != 0)
		return rc;
	/* The owner changes last: until then nobody but us can touch the file. */
	if (uid != geteuid() && fchown(fd, uid, gid) != 0)
		return -errno;
	return 0;
}

static int create_file(
    int dir, const char *name, const struct members_header *header, uid_t uid, gid_t gid)
{
	int rc;
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	rc = fill_file(fd, header, uid, gid);
	close(fd);
	if (rc != 0)
		unlinkat(dir, name, 0);
	return rc;
}

/* mkdir(2) with exactly this mode, whatever the umask; an existing directory is left as it is. */
static int make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) != 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, mode) != 0 ? -errno : 0;
}

int members_create(const char *shmdir, struct connection_ref ref, uid_t uid, gid_t gid)
{
	struct members_header header = {.magic = MEMBERS_MAGIC, .signature = TABLE_SIGNATURE};
	char name[CONNECTION_REF_TEXT_MAX];
	int rc = make_dir(shmdir, 0711);
	int dir;

	if (rc != 0)
		return rc;
	dir = safe_open_dir(shmdir, geteuid(), S_IWGRP | S_IWOTH);
	if (dir < 0)
		return dir;
	/* Whoever claimed the reference owns the name; an older file of it is from a lost table. */
	connection_ref_format(ref, name);
	unlinkat(dir, name, 0);
	rc = create_file(dir, name, &header, uid, gid);
	close(dir);
	return rc;
}

void members_remove(const char *shmdir, struct connection_ref ref)
{
	char name[CONNECTION_REF_TEXT_MAX];
	int dir = safe_open_dir(shmdir, geteuid(), S_IWGRP | S_IWOTH);

	if (dir < 0)
		return;
	unlinkat(dir, connection_ref_format(ref, name), 0);
	close(dir);
}

/* As safe_open_file, and the owner is uid, not root instead.  What others have mounted over their
 * files must not hold us up; what we have mounted over our own is our affair. */
static int open_owned_file(int dir, const char *name, int access, uid_t uid)
{
	struct stat st;
	int fd = uid == geteuid() ? safe_open_file(dir, name, access, uid, PRIVATE)
				  : safe_open_unmounted_file(dir, name, access, uid, PRIVATE);

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && st.st_uid == uid)
		return fd;
	close(fd);
	return -EPERM;
}

int members_open_file(const char *shmdir, struct connection_ref ref, int access, uid_t uid)
{
	char name[CONNECTION_REF_TEXT_MAX];
	/* Root's, or of whoever runs the tests. */
	int dir = safe_open_dir(shmdir, geteuid(), S_IWGRP | S_IWOTH);
	int fd;

	if (dir < 0)
		return dir;
	fd = open_owned_file(dir, connection_ref_format(ref, name), access, uid);
	close(dir);
	return fd;
}

/* Opens the advisory directory of another user, whatever he has mounted over it. */
static int open_dir_of_other(const char *path, uid_t uid)
{
	char parent[MEMBERS_PATH_MAX + 1];
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	int fd, above;

	snprintf(parent, sizeof(parent), "%.*s.", (int)(name - path), path);
	above = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (above < 0)
		return -errno;
	fd = safe_open_unmounted_dir(above, name, uid, PRIVATE);
	close(above);
	return fd;
}

int members_open_advisory_dir(const char *shmdir, uid_t uid)
{
	char path[MEMBERS_PATH_MAX];
	struct stat st;
	int dir;

	advisory_dir(shmdir, uid, path);
	dir = uid == geteuid() ? safe_open_dir(path, uid, PRIVATE) : open_dir_of_other(path, uid);
	if (dir < 0)
		return dir;
	if (fstat(dir, &st) == 0 && st.st_uid == uid)
		return dir;
	close(dir);
	return -EPERM;
}

int members_open_advisory_file(const char *shmdir, uid_t uid, const char *name, int access)
{
	int dir = members_open_advisory_dir(shmdir, uid);
	int fd;

	if (dir < 0)
		return dir;
	fd = open_owned_file(dir, name, access, uid);
	close(dir);
	return fd;
}

/* Takes dir over.  Nothing else ever removes what a connection without the PAM module leaves. */
static void sweep_dead(int dir)
{
	DIR *stream = fdopendir(dir);
	struct dirent *entry;
	int left = SWEEP_MAX;

	if (stream == NULL) {
		close(dir);
		return;
	}
	while (left-- > 0 && (entry = readdir(stream)) != NULL) {
		struct proc_id sshd = {.pid = 0};
		long pid;

		if (sscanf(entry->d_name, "%ld.%" SCNu64, &pid, &sshd.start) != 2 || pid <= 0)
			continue;
		sshd.pid = (pid_t)pid;
		if (!proc_is_alive(sshd))
			unlinkat(dirfd(stream), entry->d_name, 0);
	}
	closedir(stream);
}

static int create_advisory(int dir, const char *name, const struct advisory_connection *connection)
{
	struct members_header header = {
	    .magic = MEMBERS_MAGIC,
	    .signature = TABLE_SIGNATURE,
	    .sshd_start = connection->sshd.start,
	    .sshd_pid = (uint32_t)connection->sshd.pid,
	    .opened_ns = clock_now_ns(),
	    .policy = connection->policy,
	};
	char temporary[CONNECTION_REF_TEXT_MAX];
	int rc;

	snprintf(header.address, sizeof(header.address), "%s", connection->address);
	snprintf(temporary, sizeof(temporary), ".%ld", (long)getpid());
	unlinkat(dir, temporary, 0);
	rc = create_file(dir, temporary, &header, geteuid(), getegid());
	if (rc != 0)
		return rc;
	/* Whole before it has its name; a sibling that was faster is no error.  renameat2(2) rather
	 * than link(2), for the link count that safe_open_file wants is one at every moment. */
	if (renameat2(dir, temporary, dir, name, RENAME_NOREPLACE) != 0)
		rc = errno == EEXIST ? 0 : -errno;
	unlinkat(dir, temporary, 0);
	return rc;
}

/* The caller's own SHMDIR-UID, made when it is missing. */
static int open_own_dir(const char *shmdir)
{
	char path[MEMBERS_PATH_MAX];
	int rc = make_dir(advisory_dir(shmdir, geteuid(), path), 0700);

	return rc != 0 ? rc : members_open_advisory_dir(shmdir, geteuid());
}

int members_open_users_own(const char *shmdir, const char *name)
{
	int fd, dir = open_own_dir(shmdir);

	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = open_owned_file(dir, name, O_RDWR, geteuid());
	close(dir);
	return fd;
}

int members_open_or_create_advisory(
    const char *shmdir, const struct advisory_connection *connection)
{
	char name[CONNECTION_REF_TEXT_MAX];
	int rc, fd, dir = open_own_dir(shmdir);

	if (dir < 0)
		return dir;
	advisory_name(connection->sshd, name);
	fd = open_owned_file(dir, name, O_RDWR, geteuid());
	if (fd == -ENOENT) {
		rc = create_advisory(dir, name, connection);
		fd = rc == 0 ? open_owned_file(dir, name, O_RDWR, geteuid()) : rc;
		sweep_dead(dir);
		return fd;
	}
	close(dir);
	return fd;
}

void members_remove_advisory(const char *shmdir, struct proc_id sshd)
{
	char name[CONNECTION_REF_TEXT_MAX];
	int dir = members_open_advisory_dir(shmdir, geteuid());

	if (dir < 0)
		return;
	unlinkat(dir, advisory_name(sshd, name), 0);
	close(dir);
}
