# tests: an SFTP client that is asyncssh, for client_asyncssh.sh; the protocol of its lines is in
# tests/support/scenario_program.sh.  Never decides what is done next.
import asyncio
import os
import sys
import warnings

# That its ciphers are old is not what is tested.
warnings.simplefilter("ignore")
import asyncssh  # noqa: E402


class Client:
    """A method do_VERB for each verb; it returns the words of the answer, or None."""

    def __init__(self, sftp):
        self.sftp = sftp

    async def do_connect(self):
        await self.sftp.realpath(".")

    async def do_put(self, local, remote):
        await self.sftp.put(local, remote)

    async def do_get(self, remote, local):
        await self.sftp.get(remote, local)

    async def do_put_times(self, local, remote):
        await self.sftp.put(local, remote, preserve=True)

    async def do_get_times(self, remote, local):
        await self.sftp.get(remote, local, preserve=True)

    async def do_put_tree(self, local, remote):
        await self.sftp.put(local, remote, recurse=True)

    async def do_get_tree(self, remote, local):
        await self.sftp.get(remote, local, recurse=True)

    async def do_glob(self, pattern, local):
        await self.sftp.mget(pattern, local)

    async def do_copy(self, old, new):
        await self.sftp.copy(old, new)

    async def do_reput(self, local, remote):
        with open(local, "rb") as source:
            async with self.sftp.open(remote, "ab") as target:
                source.seek((await target.stat()).size)
                await target.write(source.read())

    async def do_reget(self, remote, local):
        with open(local, "ab") as target:
            async with self.sftp.open(remote, "rb") as source:
                await source.seek(target.tell())
                target.write(await source.read())

    async def do_list(self, path):
        return await self.sftp.listdir(path)

    async def do_rename(self, old, new):
        await self.sftp.rename(old, new)

    async def do_posix_rename(self, old, new):
        await self.sftp.posix_rename(old, new)

    async def do_remove(self, path):
        await self.sftp.remove(path)

    async def do_mkdir(self, path):
        await self.sftp.mkdir(path)

    async def do_rmdir(self, path):
        await self.sftp.rmdir(path)

    async def do_chmod(self, mode, path):
        await self.sftp.chmod(path, int(mode, 8))

    async def do_symlink(self, target, path):
        await self.sftp.symlink(target, path)

    async def do_link(self, old, new):
        await self.sftp.link(old, new)

    async def do_readlink(self, path):
        return [await self.sftp.readlink(path)]

    async def do_capacity(self, path):
        capacity = await self.sftp.statvfs(path)
        return [f"{capacity.blocks}:{capacity.frsize}"]


async def serve(client):
    loop = asyncio.get_running_loop()
    # The connection is looked after while a line is awaited.
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        verb, *words = line.rstrip("\n").split("\t")
        try:
            answer = await getattr(client, "do_" + verb)(*words)
            print("\t".join(["ok"] + (answer or [])), flush=True)
        except Exception as error:
            print("error\t" + repr(error), flush=True)


async def main():
    port, user, key, known_hosts = sys.argv[1:]
    async with asyncssh.connect(
        "127.0.0.1",
        int(port),
        username=user,
        client_keys=[key],
        known_hosts=known_hosts,
        agent_path=None,
        config=[],
    ) as connection:
        async with connection.start_sftp_client() as sftp:
            await serve(Client(sftp))


asyncio.run(main())
