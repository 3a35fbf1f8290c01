/* tests: a file system that a user has mounted over what is his, and whose server never answers. */
#include "silent_mount.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

bool silent_mount(const char *path, uid_t uid, bool others_too)
{
	char options[160];
	struct stat st;
	int fd;

	if (stat(path, &st) != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	/* Kept open for as long as the process lives: the file system ends with it. */
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(options, sizeof(options), "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s", fd,
	    st.st_mode & S_IFMT, (unsigned int)uid, (unsigned int)uid,
	    others_too ? ",allow_other" : "");
	return mount("silent", path, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

void silent_unmount(const char *path)
{
	(void)umount2(path, MNT_DETACH);
}
