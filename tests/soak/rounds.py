# tests: what the soak's users do.  A worker goes from round to round; what it does in round n depends on
# the seed, its own number and n alone.  Notes what the clients were told and judges nothing.
import dataclasses
import os
import random
import subprocess
import threading
import time

from host import LIMIT
from siblings import Siblings

# (size, seed) of the files that are moved.
CONTENTS = [(0, 1), (1, 2), (5000, 3), (300000, 4), (2000000, 5), (8000000, 6)]
LOGINS = {
    "publickey": [],
    "password": ["-o", "PreferredAuthentications=password"],
    "keyboard-interactive": ["-o", "PreferredAuthentications=keyboard-interactive"],
}
PASSWORDS = ["-o", "BatchMode=no", "-o", "PubkeyAuthentication=no"]
PASSWORDS += ["-o", "NumberOfPasswordPrompts=1"]


@dataclasses.dataclass
class Transfer:
    name: str  # that no other transfer has
    upload: bool
    size: int
    seed: int
    remote: str  # where an upload ends up when the client has been told so
    local: str = None
    sent: bool = False  # whether the client has come to asking for it
    told_ok: bool = False
    told: int = 0  # bytes of an upload of which the client has been told that they were written
    number: int = None  # of its session, in `siblings`


@dataclasses.dataclass
class Round:
    label: str
    user: str
    kind: str
    began: float
    ended: float = None
    transfers: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)  # texts of clients that failed
    made: list = dataclasses.field(default_factory=list)  # directories that the client was told of
    commands: list = dataclasses.field(default_factory=list)  # what they printed, and their status
    many: bool = False  # several sessions on one connection


class Worker(threading.Thread):
    def __init__(self, number, seed, users, host, journal, done):
        super().__init__(name=f"worker {number}")
        self.number = number
        self.seed = seed
        self.users = users
        self.host = host
        self.journal = journal
        self.done = done  # a queue of rounds to be verified
        self.stop = threading.Event()

    def run(self):
        count = 0
        kinds = [self.batch, self.batch, self.siblings, self.slow, self.slow, self.command]
        while not self.stop.is_set():
            rng = random.Random(f"{self.seed}/worker {self.number}/{count}")
            act = rng.choice(kinds)
            this = Round(
                f"w{self.number}r{count}", rng.choice(self.users), act.__name__, time.monotonic()
            )
            try:
                act(rng, this)
            except Exception as error:  # a mistake of the soak's own must not pass for success
                self.journal.violation("the soak itself failed", error=repr(error), round=this)
            this.ended = time.monotonic()
            self.journal.note("round", round=this)
            self.journal.count("rounds", f"round {this.kind}")
            self.done.put(this)
            count += 1

    # what the rounds are made of

    def home(self, this):
        return f"{self.host.place}/home/{this.user}"

    def transfer(self, rng, this, upload):
        size, seed = rng.choice(CONTENTS)
        name = f"{this.label}.{len(this.transfers)}"
        transfer = Transfer(name, upload, size, seed, f"{self.home(this)}/{name}")
        if not upload:
            transfer.local = f"{self.host.place}/local/{name}"
        this.transfers.append(transfer)
        return transfer

    def login(self, rng):
        """Options and environment of one way to log in."""
        way = rng.choices(list(LOGINS), [4, 1, 1])[0]
        environment = dict(os.environ, SSH_ASKPASS=f"{self.host.place}/askpass")
        environment.update(SSH_ASKPASS_REQUIRE="force", DISPLAY="none")
        options = [] if way == "publickey" else [*LOGINS[way], *PASSWORDS]
        return [*options, *self.host.options], environment

    def fail(self, this, status, output):
        text = "HUNG" if status is None else f"status {status}: {output[-600:]}"
        this.failures.append(text)

    def sftp(self, this, transfers, options, environment):
        """One run of the stock client: it stops at the first command that fails."""
        lines = []
        for transfer in transfers:
            content = f"{self.host.place}/contents/{transfer.seed}"
            lines.append(
                f"put {content} {transfer.name}"
                if transfer.upload
                else f"get {content} {transfer.local}"
            )
        status, output = self.host.run(
            "client",
            this.user,
            this.label,
            ["sftp", *options, "-b", "-", f"{this.user}@127.0.0.1"],
            "".join(line + "\n" for line in lines),
            env=environment,
        )
        # It says each command before it carries it out.
        sent = [f"sftp> {line}" in output.splitlines() for line in lines]
        for i, transfer in enumerate(transfers):
            transfer.sent = sent[i]
            transfer.told_ok = status == 0 or (i + 1 < len(lines) and sent[i + 1])
        if status != 0:
            self.fail(this, status, output)

    def transfers(self, rng, this, count):
        return [self.transfer(rng, this, rng.random() < 0.6) for _ in range(count)]

    # the rounds

    def batch(self, rng, this):
        options, environment = self.login(rng)
        if rng.random() < 0.5:
            options = ["-l", str(rng.choice([8000, 20000, 60000])), *options]
        self.sftp(this, self.transfers(rng, this, rng.randint(1, 4)), options, environment)

    def siblings(self, rng, this):
        """Stock clients that share a connection, and perhaps a command."""
        this.many = True
        path = f"{self.host.place}/local/{this.label}.ctl"
        options, environment = self.login(rng)
        address = f"{this.user}@127.0.0.1"
        master = self.host.start(
            "client",
            this.user,
            this.label,
            ["ssh", "-M", "-S", path, "-o", "ControlPersist=no", "-N", *options, address],
            env=environment,
            stderr=subprocess.PIPE,
        )
        # Without the master there is no other way to the server.
        shared = ["-o", f"ControlPath={path}", "-o", "ProxyCommand=false", *self.host.options]
        clients = []
        for _ in range(rng.randint(2, 4)):
            limit = ["-l", str(rng.choice([8000, 20000]))] if rng.random() < 0.5 else []
            mine = self.transfers(rng, this, rng.randint(1, 3))
            clients.append((self.sftp, (this, mine, [*limit, *shared], environment)))
        if rng.random() < 0.5:
            clients.append((self.say, (this, rng.uniform(0, 2), shared, environment)))
        pauses = [rng.uniform(0, 0.5) for _ in clients]
        limit = time.monotonic() + LIMIT
        while not os.path.exists(path) and master.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        threads = [threading.Thread(target=act, args=args) for act, args in clients]
        for thread, pause in zip(threads, pauses):
            thread.start()
            time.sleep(pause)
        for thread in threads:
            thread.join()
        self.end_master(this, master)
        self.host.forget("client", master)

    def end_master(self, this, master):
        """Asks again and again: OpenSSH's client before 9.5 may begin to wait just after it was asked."""
        for _ in range(LIMIT):
            master.terminate()
            try:
                _, errors = master.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                continue
            if master.returncode not in (0, -15, 255):
                self.fail(this, master.returncode, errors.decode(errors="replace"))
            return
        master.kill()
        master.communicate()
        self.fail(this, None, "")

    def command(self, rng, this):
        options, environment = self.login(rng)
        self.say(this, rng.uniform(0, 1), options, environment)

    def say(self, this, seconds, options, environment):
        status, output = self.host.run(
            "client",
            this.user,
            this.label,
            ["ssh", *options, f"{this.user}@127.0.0.1"]
            + [f"echo begin; sleep {seconds:.2f}; echo end; exit 7"],
            env=environment,
        )
        this.commands.append((status, output))
        if status != 7:
            self.fail(this, status, output)

    def slow(self, rng, this):
        """Sessions driven step by step: what is open stays open for a while."""
        count = rng.randint(1, 3)
        this.many = count > 1
        client = Siblings(self.host, this)
        try:
            good, text = client.answer()
            if not good:
                self.fail(this, "connect", text)
                return
            plans = [self.transfer(rng, this, rng.random() < 0.7) for _ in range(count)]
            steps = [rng.randint(1, 6) for _ in plans]
            pauses = [rng.uniform(0, 0.5) for _ in range(sum(steps))]
            live = [(plan, step) for plan, step in zip(plans, steps) if self.begin(client, this, plan)]
            for i in range(max(steps)):
                for plan, step in live:
                    if i < step:
                        good, offset = client.ask("step", plan.number, plan.size // (step + 1))
                        plan.told = int(offset) if good else plan.told
                        time.sleep(pauses.pop())
            for plan, _ in live:
                self.finish(client, this, plan)
        finally:
            client.close()

    def asked(self, this, answer):
        good, text = answer
        if not good:
            self.fail(this, "error", text)
        return good

    def begin(self, client, this, transfer):
        """Opens a session and the transfer on it; an upload goes to a name beside the last one."""
        good, text = client.ask("session")
        if not self.asked(this, (good, text)):
            return False
        transfer.number = int(text)
        transfer.sent = True
        size, seed = transfer.size, transfer.seed
        if transfer.upload:
            answer = client.ask("put", text, f"{transfer.name}.part", size, seed)
        else:
            transfer.local = None  # compared by the client
            answer = client.ask("get", text, f"{self.host.place}/contents/{seed}", size, seed)
        return self.asked(this, answer)

    def finish(self, client, this, transfer):
        number, name = transfer.number, transfer.name
        if not self.asked(this, client.ask("finish", number)):
            return
        transfer.told_ok = True
        if transfer.upload:
            transfer.remote += ".part"
            if self.asked(this, client.ask("rename", number, f"{name}.part", name)):
                transfer.remote = f"{self.home(this)}/{name}"
            if self.asked(this, client.ask("mkdir", number, f"{name}.dir")):
                this.made.append(f"{self.home(this)}/{name}.dir")
