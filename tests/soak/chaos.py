# tests: what befalls the soak's users: orders, waits, kills, stops.  What is done in step n depends on the
# seed and n alone, whom it hits also on who is there.  Never touches a process that is not of the soak.
import collections
import contextlib
import random
import re
import signal
import threading
import time

from host import is_running
from journal import Kill, Order

# How much longer than asked a `wait` may take on a busy machine.
SLACK = 20
# What an abort takes at most: the grace, the time between its signals, connections that are slow to end.
ABORT_LIMIT = 20
ORDERS_MAX = 3
DEADLINES = {"300ms": 0.3, "2s": 2, "5s": 5, "1m": 60}
ACTIONS = {
    "order": 6,
    "wait": 3,
    "abort": 2,
    "session": 3,
    "signal": 2,
    "sshd": 2,
    "monitor": 1,
    "client": 2,
    "guard": 1,
    "command": 1,
    "stop": 2,
}


class Turns:
    """Many may change the order on a target at the same time, but nobody what an abort has ordered: that
    would become a `wait` for whatever the change lets go on."""

    def __init__(self):
        self.moved = threading.Condition()
        self.changing = collections.Counter()
        self.aborting = set()

    @contextlib.contextmanager
    def change(self, target):
        with self.moved:
            self.moved.wait_for(lambda: target not in self.aborting)
            self.changing[target] += 1
        try:
            yield
        finally:
            with self.moved:
                self.changing[target] -= 1
                self.moved.notify_all()

    @contextlib.contextmanager
    def abort(self, target):
        with self.moved:
            self.moved.wait_for(lambda: target not in self.aborting and not self.changing[target])
            self.aborting.add(target)
        try:
            yield
        finally:
            with self.moved:
                self.aborting.remove(target)
                self.moved.notify_all()


class Chaos(threading.Thread):
    def __init__(self, seed, users, host, journal, policies):
        super().__init__(name="chaos")
        self.policies = policies
        self.seed = seed
        self.users = users
        self.host = host
        self.journal = journal
        self.stop = threading.Event()
        self.threads = []
        self.places = threading.Semaphore(ORDERS_MAX)
        self.turns = Turns()
        self.stubborn = set()  # sessions that an abort has made so

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
            elif action == "abort":
                self.apart(self.abort, rng)
            elif action == "stop":
                self.apart(self.pause, rng)
            elif action == "signal":
                self.kill(rng, "session", rng.choice([signal.SIGTERM, signal.SIGHUP]))
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

    def kill(self, rng, kind, number=signal.SIGKILL):
        victim, user, label = self.choose(rng, kind)
        if victim is None:
            return
        below = self.host.pids_below(victim)
        if self.host.signal(victim, number):
            name = kind if number == signal.SIGKILL else f"signalled {kind}"
            self.journal.kill(Kill(name, user, victim.pid, time.monotonic(), label, below))

    def hold(self, victim, user):
        """Returns the process that keeps the session from everything but SIGKILL, which abort sends."""
        argv = [f"{self.host.support}/hold", str(victim.pid)]
        holder = self.host.start("hold", user, None, argv)
        said = holder.stdout.readline().decode().strip()
        if said == "held":
            at = time.monotonic()
            self.journal.kill(Kill("held session", user, victim.pid, at, None, [victim.pid]))
        elif is_running(victim):
            self.journal.violation("cannot hold a session", said=said, victim=victim)
        return holder

    def release(self, holder):
        holder.kill()
        holder.communicate()
        self.host.forget("hold", holder)

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
        message = self.message(rng)
        takes_back = rng.random() < 0.7 or not target.startswith("connection")
        if not self.places.acquire(blocking=False):
            return
        try:
            for plan, hold, waiting in zip(plans, holds, waits):
                self.close(target, user, plan, message, waiting)
                message = None
                self.stop.wait(hold)
            if takes_back:
                self.reopen(target)
        finally:
            self.places.release()

    def plan(self, rng):
        drain = rng.choices([None, "session", "transfer", "now"], [2, 2, 5, 1])[0]
        return drain, rng.choices([None, *DEADLINES], [6, 1, 1, 1, 2])[0]

    def message(self, rng):
        return f"note {rng.randrange(1000)}." if rng.random() < 0.4 else None

    def messages(self, target, message):
        """What a new order on the target may tell.  One that is changed keeps its message."""
        if message:
            return {message}
        live = self.orders_on(target)
        kept = set().union(*(order.messages for order in live))
        sure = any(order.certain and not order.doubtful for order in live)
        return kept if sure else kept | {""}

    def close(self, target, user, plan, message, waiting):
        drain, deadline = plan
        args = ["close", "--drain", drain] if drain else ["close"]
        args += ["--deadline", deadline] if deadline else []
        args += ["--wait", "--timeout", "3s"] if waiting else []
        seconds = DEADLINES.get(deadline)
        with self.turns.change(target):
            self.give(args, target, user, (drain, seconds), message, 3 if waiting else 0)

    def give(self, args, target, user, plan, message, timeout):
        messages = self.messages(target, message)
        order = Order(target, user, *plan, time.monotonic(), messages)
        self.journal.order(order)
        args += ["--message", message] if message else []
        status = self.command(args + [target], timeout)
        order.given = time.monotonic()
        if status in (0, 3, 4):
            order.certain = order.given
        return status

    def abort(self, rng):
        """The hard end, perhaps of a session that does not end by itself: one that is stopped goes on at
        SIGCONT, one that is held ends by SIGKILL only."""
        target, user = self.target(rng)
        message, stubborn, point = self.message(rng), rng.choice([0, "stopped", "held"]), rng.random()
        if not self.places.acquire(blocking=False):
            return
        try:
            with self.turns.abort(target):
                before = self.members(target, user)
                free = [process for process in before if process not in self.stubborn]
                victim = free[int(point * len(free))] if free and stubborn else None
                self.stubborn.add(victim)
                self.abort_with(target, user, message, before, victim, stubborn == "held")
            self.reopen(target)
        finally:
            self.places.release()

    def abort_with(self, target, user, message, before, victim, held):
        holder = self.hold(victim, self.host.uids[victim.uid]) if victim and held else None
        if victim and not held:
            self.host.signal(victim, signal.SIGSTOP)
        try:
            status = self.give(["abort"], target, user, ("now", 0), message, ABORT_LIMIT)
            # Also when it was in vain for another reason.
            if victim and status in (0, 3, 4) and is_running(victim):
                self.journal.violation("abort has left a session", victim=victim, status=status)
        finally:
            if holder:
                self.release(holder)
            elif victim:
                self.host.signal(victim, signal.SIGCONT)
        self.see_gone("abort", target, status, before)

    def see_gone(self, verb, target, status, before):
        left = [process for process in before if is_running(process)]
        if status in (0, 3) and left:
            self.journal.violation(f"{verb} has not waited", target=target, left=left)

    def reopen(self, target):
        """Returns whether it was carried out."""
        with self.turns.change(target):
            return self.take_back(target)

    def take_back(self, target):
        began = time.monotonic()
        mine = self.orders_on(target)
        given = [order for order in mine if order.given]
        for order in mine:
            order.doubtful = order.doubtful or began
        status = self.command(["reopen", target], 0)
        # What is given meanwhile may come before or after it.
        for order in self.orders_on(target):
            order.doubtful = order.doubtful or order.began
        if status == 0:
            for order in given:
                order.ended = time.monotonic()
        return status == 0

    def orders_on(self, target):
        return [o for o in self.journal.orders if o.target == target and o.ended is None]

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
        self.see_gone("wait", target, status, before)

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
        """The order on a connection ends with it.  A limit holds at any time."""
        live = [o for o in self.journal.orders if o.ended is None and o.target[:4] == "conn"]
        connections = self.host.connections()
        for connection in connections:
            limit = self.policies[connection["user"]].get("max_sessions_per_connection")
            if limit and len(connection["sessions"] or []) > limit:
                self.journal.violation("more sessions than the policy allows", connection=connection)
        now = {f"connection={connection['id']}" for connection in connections}
        for order in live:
            if order.target not in now and order.certain is not None:
                order.ended = time.monotonic()
