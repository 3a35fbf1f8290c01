# tests: what befalls the soak's users: orders, waits, kills, stops.  What is done in step n depends on the
# seed and n alone, whom it hits also on who is there.  Never touches a process that is not of the soak.
import random
import re
import signal
import threading
import time

from host import is_running
from journal import Kill, Order

# How much longer than asked a `wait` may take on a busy machine.
SLACK = 20
ORDERS_MAX = 3
DEADLINES = {"300ms": 0.3, "2s": 2, "5s": 5, "1m": 60}
ACTIONS = {
    "order": 6,
    "wait": 3,
    "session": 3,
    "sshd": 2,
    "monitor": 1,
    "client": 2,
    "guard": 1,
    "command": 1,
    "stop": 2,
}


class Chaos(threading.Thread):
    def __init__(self, seed, users, host, journal):
        super().__init__(name="chaos")
        self.seed = seed
        self.users = users
        self.host = host
        self.journal = journal
        self.stop = threading.Event()
        self.threads = []
        self.places = threading.Semaphore(ORDERS_MAX)

    def run(self):
        count = 0
        while not self.stop.is_set():
            rng = random.Random(f"{self.seed}/chaos/{count}")
            action = rng.choices(list(ACTIONS), ACTIONS.values())[0]
            self.journal.note("step", count=count, action=action)
            if action == "order":
                self.apart(self.order, rng)
            elif action == "wait":
                self.apart(self.wait, rng)
            elif action == "stop":
                self.apart(self.pause, rng)
            else:
                self.kill(rng, action)
            self.see_connections()
            self.stop.wait(rng.uniform(0.1, 1.0))
            count += 1
        for thread in self.threads:
            thread.join()
        self.reopen_all()

    def apart(self, act, rng):
        def guarded():
            try:
                act(rng)
            except Exception as error:  # a mistake of the soak's own must not pass for success
                self.journal.violation("the soak itself failed", error=repr(error))

        self.threads = [thread for thread in self.threads if thread.is_alive()]
        self.threads.append(threading.Thread(target=guarded))
        self.threads[-1].start()

    # kills

    def choose(self, rng, kind):
        found = self.host.victims(kind)
        return found[int(rng.random() * len(found))] if found else (None, None, None)

    def kill(self, rng, kind):
        victim, user, label = self.choose(rng, kind)
        if victim is None:
            return
        below = self.host.pids_below(victim)
        if self.host.signal(victim, signal.SIGKILL):
            self.journal.kill(Kill(kind, user, victim.pid, time.monotonic(), label, below))

    def pause(self, rng):
        """Stops a session for a moment, less than what root allows one before it uses force."""
        victim, user, _ = self.choose(rng, "session")
        seconds = rng.uniform(0.1, 1.5)
        if victim is not None and self.host.signal(victim, signal.SIGSTOP):
            self.journal.count("stop")
            self.journal.note("stop", user=user, pid=victim.pid, seconds=seconds)
            time.sleep(seconds)
            self.host.signal(victim, signal.SIGCONT)

    # the operator

    def target(self, rng):
        """The target as on the command line, and its user."""
        scope = rng.choice(["host", "user", "user", "connection", "connection"])
        user, point = rng.choice(self.users), rng.random()
        if scope == "host":
            return "host", None
        connections = self.host.connections() if scope == "connection" else []
        if not connections:
            return f"user={user}", user
        connection = connections[int(point * len(connections))]
        return f"connection={connection['id']}", connection["user"]

    def order(self, rng):
        """An order, perhaps a second one that changes it, and its end."""
        target, user = self.target(rng)
        plans = [self.plan(rng) for _ in range(rng.choice([1, 1, 2]))]
        holds = [rng.uniform(0.2, 4) for _ in plans]
        waits = [rng.random() < 0.3 for _ in plans]
        takes_back = rng.random() < 0.7 or not target.startswith("connection")
        if not self.places.acquire(blocking=False):
            return
        try:
            for plan, hold, waiting in zip(plans, holds, waits):
                self.close(target, user, plan, waiting)
                self.stop.wait(hold)
            if takes_back:
                self.reopen(target)
        finally:
            self.places.release()

    def plan(self, rng):
        drain = rng.choices([None, "session", "transfer", "now"], [2, 2, 5, 1])[0]
        return drain, rng.choices([None, *DEADLINES], [6, 1, 1, 1, 2])[0]

    def close(self, target, user, plan, waiting):
        drain, deadline = plan
        seconds = DEADLINES.get(deadline)
        order = Order(target, user, drain, seconds, time.monotonic())
        self.journal.order(order)
        args = ["close", "--drain", drain] if drain else ["close"]
        args += ["--deadline", deadline] if deadline else []
        args += ["--wait", "--timeout", "3s"] if waiting else []
        status = self.command(args + [target], 3 if waiting else 0)
        if status is not None and status in (0, 3, 4):
            order.certain = time.monotonic()

    def reopen(self, target):
        """Returns whether it was carried out."""
        mine = [o for o in self.journal.orders if o.target == target and o.ended is None]
        for order in mine:
            order.doubtful = order.doubtful or time.monotonic()
        status = self.command(["reopen", target], 0)
        if status == 0:
            for order in mine:
                order.ended = time.monotonic()
        return status == 0

    def reopen_all(self):
        for target in ["host"] + [f"user={user}" for user in self.users]:
            for _ in range(3):
                if self.reopen(target):
                    break
            else:
                self.journal.violation("cannot reopen", target=target)

    def wait(self, rng):
        target, user = self.target(rng)
        timeout = rng.randint(1, 10)
        before = self.members(target, user)
        status = self.command(["wait", "--timeout", f"{timeout}s", target], timeout)
        left = [process for process in before if is_running(process)]
        if status in (0, 3) and left:
            self.journal.violation("wait has not waited", target=target, left=left)

    def members(self, target, user):
        """The target's sessions, from the kernel, as far as they are in the table."""
        sessions = {process.pid: process for process in self.host.sessions(user)}
        found = []
        for connection in self.host.connections():
            if target in ("host", f"user={connection['user']}", f"connection={connection['id']}"):
                pids = [session["pid"] for session in connection["sessions"] or []]
                found += [sessions[pid] for pid in pids if pid in sessions]
        return found

    def command(self, args, timeout):
        """Runs the operator's command.  Returns its status, None where it was killed."""
        began = time.monotonic()
        status, output = self.host.control(*args)
        took = time.monotonic() - began
        self.journal.note("command", args=args, status=status, took=took, output=output[-400:])
        name = "close --wait" if "--wait" in args else args[0]
        self.journal.count(f"{name} status {status}")
        gone = status == 1 and re.search("no such connection", output)
        allowed = (0,) if args[0] == "reopen" or name == "close" else (0, 3, 4)
        if status is None or took > timeout + SLACK:
            self.journal.violation("a command takes too long", args=args, took=took)
        elif status != -signal.SIGKILL and status not in allowed and not gone:
            self.journal.violation("a command fails", args=args, status=status, output=output)
        return None if status == -signal.SIGKILL else status

    def see_connections(self):
        """The order on a connection ends with it."""
        live = [o for o in self.journal.orders if o.ended is None and o.target[:4] == "conn"]
        if not live:
            return
        now = {f"connection={connection['id']}" for connection in self.host.connections()}
        for order in live:
            if order.target not in now and order.certain is not None:
                order.ended = time.monotonic()
