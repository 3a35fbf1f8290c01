/* table: a members file's gate, which keeps newcomers out while the connection is being closed, and its guard.
 * Never waits but where the caller wants to be the last one. */
#include "table/members.h"

#include "table/lock.h"

#include <stdatomic.h>

void members_show_refused(struct membership *membership)
{
	(void)lock_try(membership->fd, LOCK_REFUSED, LOCK_SHARED);
}

bool members_any_refused(const struct membership *membership)
{
	return lock_is_held(membership->fd, LOCK_REFUSED, 1, NULL) == 1;
}

void members_begin_closing(struct membership *membership)
{
	atomic_store(&membership->header->gate, GATE_CLOSING);
}

void members_resume(struct membership *membership)
{
	atomic_store(&membership->header->gate, GATE_OPEN);
	(void)lock_try(membership->fd, LOCK_MEMBERS, LOCK_SHARED);
}

int members_become_guard(struct membership *membership)
{
	return lock_try_own(membership->fd, LOCK_GUARD);
}

void members_resign_guard(struct membership *membership)
{
	lock_drop_own(membership->fd, LOCK_GUARD);
}

bool members_has_guard(const struct membership *membership)
{
	return lock_is_held(membership->fd, LOCK_GUARD, 1, NULL) == 1;
}

int members_wait_last(struct membership *membership)
{
	int rc = lock_wait_exclusive(membership->fd, LOCK_MEMBERS);

	if (rc == 0)
		atomic_store(&membership->header->gate, GATE_OPEN);
	return rc;
}

void members_stop_closing(struct membership *membership)
{
	atomic_store(&membership->header->gate, GATE_OPEN);
	lock_drop(membership->fd, LOCK_MEMBERS);
}
