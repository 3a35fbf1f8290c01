/* fuzzing: where hostile requests may be carried out for real, by root too. */
#include "cage.h"

#include "jail.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

static int cage = -1;

static bool mount_cage(const char *directory)
{
	if (mount("cage", directory, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		"size=16m,nr_inodes=4096,mode=0755") != 0)
		return false;
	cage = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* From here on only the descriptor leads there, and nothing is left of it when we crash. */
	return umount2(directory, MNT_DETACH) == 0 && cage >= 0;
}

bool cage_make(void)
{
	char directory[] = "/tmp/sftp-fuzz-XXXXXX";
	bool made;

	/* Mounts of our own: no other process sees ours, not for a moment. */
	if (!jail_prepare() || unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mkdtemp(directory) == NULL)
		return false;
	made = mount_cage(directory);
	(void)rmdir(directory);
	return made;
}

bool cage_enter(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", cage);
	return cage >= 0 && unshare(CLONE_FS) == 0 && jail_enter(path);
}
