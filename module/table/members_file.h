/* table: where members files are and how they are made and opened.  Never logs or exits. */
#ifndef SD_TABLE_MEMBERS_FILE_H
#define SD_TABLE_MEMBERS_FILE_H

#include "table/table.h"

#include <sys/types.h>

/* Longest path of a members file or its directory, NUL included. */
#define MEMBERS_PATH_MAX 512

/* How an advisory connection describes itself. */
struct advisory_connection {
	struct proc_id sshd;
	struct policy policy;
	const char *address; /* borrowed */
};

/* Makes SHMDIR (0711) when it is missing, and in it the members file of ref, 0600, owned by uid and
 * gid, in place of one that a lost table left.  Run by root.  Returns 0, -EPERM when the directory
 * is not root's alone (nor the effective user's), or another negative errno. */
int members_create(const char *shmdir, struct connection_ref ref, uid_t uid, gid_t gid);

/* Removes the members file of ref; processes that have it open keep it.  Run by root. */
void members_remove(const char *shmdir, struct connection_ref ref);

/* Opens the members file of ref with access O_RDWR (its user, checked as -EPERM) or O_RDONLY.  The
 * file must belong to uid and be private.  Returns a descriptor that is the caller's, or a negative
 * errno: -EXDEV when another user has mounted something over it, which is asked nothing. */
int members_open_file(const char *shmdir, struct connection_ref ref, int access, uid_t uid);

/* Opens the directory SHMDIR-UID, which must belong to uid alone.  Returns likewise. */
int members_open_advisory_dir(const char *shmdir, uid_t uid);

/* Opens the file called name ("PID.START") there.  Returns likewise. */
int members_open_advisory_file(const char *shmdir, uid_t uid, const char *name, int access);

/* Opens the caller's advisory file for a connection, made whole when it is missing, its directory
 * too.  Files of sshd processes that are gone are removed on the way, a bounded number.  Returns
 * likewise. */
int members_open_or_create_advisory(
    const char *shmdir, const struct advisory_connection *connection);

/* Opens an empty file of the caller's own, in which his sessions lock their shares of something that a
 * user has so much of: "pipes" (pipe_share.h), "sessions" (session_share.h).  It is made when it is
 * missing, its directory too.  Returns likewise. */
int members_open_users_own(const char *shmdir, const char *name);

/* Removes the caller's advisory file for a connection. */
void members_remove_advisory(const char *shmdir, struct proc_id sshd);

#endif
