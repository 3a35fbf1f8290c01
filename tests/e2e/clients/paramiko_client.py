# tests: an SFTP client that is paramiko, for client_paramiko.sh; the protocol of its lines is in
# tests/support/scenario_program.sh.  Never decides what is done next.
import os
import shutil
import sys

import paramiko

CHUNK = 32768


class Client:
    """A method do_VERB for each verb; it returns the words of the answer, or None."""

    def __init__(self, port, user, key, known_hosts):
        self.ssh = paramiko.SSHClient()
        self.ssh.load_host_keys(known_hosts)
        self.ssh.connect(
            "127.0.0.1",
            port=int(port),
            username=user,
            key_filename=key,
            allow_agent=False,
            look_for_keys=False,
        )
        self.sftp = self.ssh.open_sftp()

    def do_connect(self):
        self.sftp.normalize(".")

    def do_put(self, local, remote):
        self.sftp.put(local, remote)

    def do_get(self, remote, local):
        self.sftp.get(remote, local)

    def do_put_times(self, local, remote):
        self.sftp.put(local, remote)
        attrs = os.stat(local)
        self.sftp.utime(remote, (attrs.st_atime, attrs.st_mtime))

    def do_get_times(self, remote, local):
        self.sftp.get(remote, local)
        attrs = self.sftp.stat(remote)
        os.utime(local, (attrs.st_atime, attrs.st_mtime))

    def do_reput(self, local, remote):
        with open(local, "rb") as source, self.sftp.open(remote, "ab") as target:
            target.set_pipelined(True)
            source.seek(target.stat().st_size)
            shutil.copyfileobj(source, target, CHUNK)

    def do_reget(self, remote, local):
        with self.sftp.open(remote, "rb") as source, open(local, "ab") as target:
            source.seek(target.tell())
            source.prefetch()
            shutil.copyfileobj(source, target, CHUNK)

    def do_list(self, path):
        return self.sftp.listdir(path)

    def do_rename(self, old, new):
        self.sftp.rename(old, new)

    def do_posix_rename(self, old, new):
        self.sftp.posix_rename(old, new)

    def do_remove(self, path):
        self.sftp.remove(path)

    def do_mkdir(self, path):
        self.sftp.mkdir(path)

    def do_rmdir(self, path):
        self.sftp.rmdir(path)

    def do_chmod(self, mode, path):
        self.sftp.chmod(path, int(mode, 8))

    def do_symlink(self, target, path):
        self.sftp.symlink(target, path)

    def do_readlink(self, path):
        return [self.sftp.readlink(path)]

    def do_truncate(self, size, path):
        self.sftp.truncate(path, int(size))

    def close(self):
        self.sftp.close()
        self.ssh.close()


def main():
    client = Client(*sys.argv[1:])
    for line in sys.stdin:
        verb, *words = line.rstrip("\n").split("\t")
        try:
            answer = getattr(client, "do_" + verb)(*words)
            print("\t".join(["ok"] + (answer or [])), flush=True)
        except Exception as error:
            print("error\t" + repr(error), flush=True)
    client.close()


main()
