#!/bin/bash
# tests: own_dev.sh COMMAND...: runs a command in a mount namespace of its own, where /dev is a copy in which
# it may make /dev/log.  Never changes the host's /dev: the namespace is made here, and ends with its last
# process, whatever ended that.
exec unshare --mount --propagation private bash -ec '
cd /dev
# From here on the working directory is the host'\''s, and /dev is the copy.
mount -t tmpfs -o mode=755 sftp-drain-test /dev
for name in null zero full random urandom tty ptmx fuse; do
	[ ! -e $name ] || cp -a $name /dev
done
ln -s /proc/self/fd /dev/fd
for name in pts shm; do
	mkdir /dev/$name
	mount --no-canonicalize --bind $name /dev/$name
done
cd "$OLDPWD"
exec "$@"' own_dev "$@"
