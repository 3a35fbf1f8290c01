# tests: what the soak has done and seen: orders, kills, counts, violations.  Every line goes to a file as
# JSON, so that a failure can be read afterwards.  Never decides anything.
import collections
import dataclasses
import json
import threading
import time


@dataclasses.dataclass
class Order:
    """An order, and when it was in force.  Times are of time.monotonic(); None is not yet."""

    target: str  # as on the command line
    user: str  # whom it concerns; None: everybody
    drain: str  # None: as the policy says
    deadline: float  # seconds; None: as the policy says
    began: float  # not in force before
    messages: set  # what it may tell those whom it refuses; "": nothing
    given: float = None  # its command has ended
    certain: float = None  # in force from here on
    doubtful: float = None  # in force until here
    ended: float = None  # not in force any more

    def tells(self):
        """An order that was perhaps taken back while it was being changed has lost the older message."""
        lost = self.doubtful is not None and (self.certain is None or self.doubtful < self.certain)
        return self.messages | {""} if lost else self.messages

    def may_hold(self, user, since, until):
        return (
            self.user in (None, user)
            and self.began <= until
            and (self.ended is None or self.ended >= since)
        )

    def holds_throughout(self, user, since, until):
        return (
            self.user in (None, user)
            and not self.target.startswith("connection")
            and self.certain is not None
            and self.certain <= since
            and (self.doubtful is None or self.doubtful >= until)
        )


@dataclasses.dataclass
class Kill:
    victim: str  # [held|signalled] session, sshd, monitor, client, guard, command
    user: str
    pid: int
    at: float
    label: str  # of a client: its round's
    below: list  # the pids of the victim and its descendants

    def is_silent(self, pid):
        """Whether that session could not say what became of its files: SIGKILL."""
        return self.victim in ("session", "held session") and self.pid == pid

    def ends_session(self, label, pid):
        """Whether the session of that pid, of that round, had to end by it."""
        return self.label == label if self.victim == "client" else pid in self.below

    def ends_any_session(self):
        return self.victim.endswith("session")

    def ends_connection(self, label):
        """Whether a connection of that round may have ended by it."""
        return self.victim in ("sshd", "monitor") or self.label == label


def plain(value):
    return sorted(value) if isinstance(value, set) else vars(value)


class Journal:
    def __init__(self, path):
        self.began = time.monotonic()
        self.counts = collections.Counter()
        self.violations = []
        self.orders = []
        self.kills = []
        self._lock = threading.Lock()
        self._file = open(path, "w", buffering=1)

    def note(self, what, **fields):
        with self._lock:
            fields = {"at": round(time.monotonic() - self.began, 3), "what": what, **fields}
            self._file.write(json.dumps(fields, default=plain) + "\n")

    def count(self, *names):
        with self._lock:
            self.counts.update(names)

    def violation(self, text, **fields):
        self.note(f"VIOLATION: {text}", **fields)
        with self._lock:
            self.violations.append(text)
        print(f"VIOLATION: {text}: {json.dumps(fields, default=plain)}", flush=True)

    def order(self, order):
        with self._lock:
            self.orders.append(order)

    def kill(self, kill):
        self.note("kill", victim=kill.victim, user=kill.user, pid=kill.pid)
        with self._lock:
            self.kills.append(kill)
            self.counts[f"kill {kill.victim}"] += 1

    def orders_over(self, user, since, until):
        with self._lock:
            return [order for order in self.orders if order.may_hold(user, since, until)]

    def kills_of(self, user, since, until):
        with self._lock:
            return [k for k in self.kills if k.user == user and since <= k.at <= until]
