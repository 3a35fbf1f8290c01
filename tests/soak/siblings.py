# tests: the program tests/support/siblings as the soak drives it.  Every wait is bounded.
import os
import select
import subprocess
import time

from host import LIMIT


class Siblings:
    """One connection with many sessions, by lines."""

    def __init__(self, host, this):
        self.host = host
        self.process = host.start(
            "client",
            this.user,
            this.label,
            [f"{host.support}/siblings", host.port, this.user, f"{host.place}/userkey"],
            stderr=subprocess.DEVNULL,
        )
        self.pending = b""

    def answer(self):
        """Returns whether it was "ok", and the text."""
        limit = time.monotonic() + LIMIT
        out = self.process.stdout.fileno()
        while b"\n" not in self.pending:
            if not select.select([out], [], [], max(0, limit - time.monotonic()))[0]:
                return False, "HUNG: no answer"
            data = os.read(out, 65536)
            if not data:
                return False, "the client is gone"
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        verdict, _, text = line.decode(errors="replace").partition(" ")
        return verdict == "ok", text

    def ask(self, *words):
        try:
            self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
            self.process.stdin.flush()
        except OSError:
            return False, "the client is gone"
        return self.answer()

    def close(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.host.forget("client", self.process)
