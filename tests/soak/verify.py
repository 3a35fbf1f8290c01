# tests: whether each round of the soak has ended as it had to: what the clients were told is held against
# the files, the sessions' log, and what the soak itself has done meanwhile.  Never takes the product's word
# for what can be seen from outside.
import os
import queue
import re
import subprocess
import threading
import time

from host import LIMIT, is_running

FIRST = "this connection closes after its first session"
DRAINING = re.compile(rf"server is draining(?:: (note \d+\.|{FIRST}))?|this connection is being closed")
TOO_MANY = "this connection has too many sessions"
# What clients say when they are refused without a text (stock clients show the code of a status only), and
# when their connection or their session is gone.
REFUSED = re.compile(r": Failure\s*$|Permission denied", re.M)
ENDED = re.compile(
    r"connection (closed|reset|refused)|broken pipe|closed by|disconnect|lost connection"
    r"|the client is gone|remote channel|channel .* closed|session open refused"
    r"|control socket|mux_client|status -(9|13)|status 255: (begin)?\s*$|socket error|end of file|eof",
    re.I,
)
LOG_LINE = re.compile(
    r'^sftp-server\[(\d+)\]: (open|close|forced close) "([^"]*)"(?: bytes read \d+ written (\d+))?'
)
# Its end has begun before this: the soak may take note of a kill a little later than it took effect.
MARGIN = 1


class SessionsLog:
    """What the sessions log of each file, by the last part of its name."""

    def __init__(self, path):
        self.file = open(path, errors="replace")
        self.pending = ""
        self.lines = {}

    def of(self, name):
        """(pid, open|close|forced close, bytes written) in the order of the log."""
        self.pending += self.file.read()
        *whole, self.pending = self.pending.split("\n")
        for match in filter(None, map(LOG_LINE.match, whole)):
            pid, verb, path, written = match.groups()
            entry = (int(pid), verb, None if written is None else int(written))
            self.lines.setdefault(os.path.basename(path), []).append(entry)
        return self.lines.get(name, [])


class Verifier(threading.Thread):
    def __init__(self, host, journal, policies, log):
        super().__init__(name="verifier")
        self.host = host
        self.journal = journal
        self.policies = policies
        self.log = SessionsLog(log)
        self.rounds = queue.Queue()  # None: no more
        self.waiting = []  # (round, sessions that may still be its own, since when)

    def run(self):
        more = True
        while more or self.waiting:
            try:
                while True:
                    this = self.rounds.get(timeout=0.5)
                    if this is None:
                        more = False
                    else:
                        self.waiting.append([this, None, time.monotonic()])
            except queue.Empty:
                pass
            self.waiting = [entry for entry in self.waiting if not self.is_settled(entry)]

    def is_settled(self, entry):
        """Verifies a round once its sessions are gone.  They may outlive its clients: what has been
        received is carried out."""
        this, sessions, since = entry
        # sshd may just be starting one.
        if time.monotonic() - this.ended < 1:
            return False
        if sessions is None:
            sessions = entry[1] = self.host.sessions(this.user)
        left = [process for process in sessions if is_running(process)]
        if left and time.monotonic() - since < LIMIT:
            return False
        if left:
            self.journal.violation("sessions outlive their round", round=this, left=left)
        try:
            self.verify(this, time.monotonic())
        except Exception as error:  # a mistake of the soak's own must not pass for success
            self.journal.violation("the soak itself failed", error=repr(error), round=this)
        return True

    def verify(self, this, now):
        kills = self.journal.kills_of(this.user, this.began - MARGIN, now)
        orders = self.journal.orders_over(this.user, this.began, now)
        self.verify_texts(this, kills, orders)
        # A client comes to its first transfer only in a session that was admitted.
        if any(transfer.sent for transfer in this.transfers) and self.forbidden(this):
            self.journal.violation("admitted under an order", round=this)
        for transfer in this.transfers:
            name = transfer.name if this.kind != "slow" else f"{transfer.name}.part"
            logged = self.log.of(name)
            if transfer.upload:
                self.verify_upload(this, transfer, logged, kills, orders, now)
            else:
                self.verify_download(this, transfer)
        for path in this.made:
            if not os.path.isdir(path):
                self.journal.violation("a directory is missing", path=path, round=this)
            else:
                os.rmdir(path)
        self.verify_commands(this, kills)

    # why something may have gone wrong

    def may_refuse(self, this, orders):
        """Whether something new may have been refused to the user."""
        policy = self.policies[this.user]
        return bool(orders) or (this.many and policy.get("close", "client") != "client")

    def is_limited(self, this):
        return this.many and "max_sessions_per_connection" in self.policies[this.user]

    def may_cut(self, this, orders, now):
        """Whether what is open may have been ended: at a deadline, or because all was to end now."""
        policy = self.policies[this.user]
        for order in orders:
            deadline = policy["deadline"] if order.deadline is None else order.deadline
            end = now if order.ended is None else min(now, order.ended)
            if (order.drain or policy["drain"]) == "now" or order.began + deadline <= end:
                return True
        return False

    # what must hold

    def verify_texts(self, this, kills, orders):
        refusable = self.may_refuse(this, orders)
        limited = self.is_limited(this)
        for text in this.failures:
            if "HUNG" in text:
                self.journal.violation("a client waits for ever", said=text, round=this)
            elif DRAINING.search(text):
                self.journal.count("refused with a text")
                if not refusable:
                    self.journal.violation("refused without an order", said=text, round=this)
                self.verify_messages(this, text, orders)
            elif TOO_MANY in text:
                self.journal.count("refused by a limit")
                if not limited:
                    self.journal.violation("refused without a limit", said=text, round=this)
            elif REFUSED.search(text) and this.kind != "slow":
                self.journal.count("refused with a code")
                if not refusable and not limited:
                    self.journal.violation("refused without an order", said=text, round=this)
            elif ENDED.search(text):
                self.journal.count("ended without a text")
                ends = [kill for kill in kills if kill.ends_any_session()]
                ends += [kill for kill in kills if kill.ends_connection(this.label)]
                if not refusable and not ends:
                    self.journal.violation("ended without a reason", said=text, round=this)
            else:
                self.journal.violation("an unknown failure", said=text, round=this)

    def verify_messages(self, this, text, orders):
        """An order's message is told to everybody whom it refuses."""
        told = set().union(*(order.tells() for order in orders))
        if self.policies[this.user].get("close") == "first":
            told.add(FIRST)
        for found in DRAINING.finditer(text):
            if found[1]:
                self.journal.count("refused with a message")
            if "draining" in found[0] and (found[1] or "") not in told:
                self.journal.violation("not what the order says", said=text, told=told, round=this)

    def verify_upload(self, this, transfer, logged, kills, orders, now):
        opened = [entry for entry in logged if entry[1] == "open"]
        closed = [entry for entry in logged if entry[1] != "open"]
        size = self.content(this, transfer)
        fine = {"round": this, "transfer": transfer, "logged": logged, "size": size}
        if transfer.told_ok:
            self.journal.count("uploads complete")
            if size != transfer.size or [c[1:] for c in closed] != [("close", size)]:
                self.journal.violation("an upload that was answered OK is not whole", **fine)
            return
        if not opened:
            self.journal.count("uploads not begun")
            if size and not kills:
                self.journal.violation("a file that nobody opened", **fine)
            return
        self.journal.count("uploads interrupted")
        if size is None:
            self.journal.violation("an upload is gone", **fine)
        elif size < transfer.told:
            self.journal.violation("what the client was told is not in the file", **fine)
        elif closed and closed[0][2] != size:
            self.journal.violation("the log has another size", **fine)
        pid = opened[0][0]
        if not closed and not any(kill.is_silent(pid) for kill in kills):
            self.journal.violation("the log does not say what became of an upload", **fine)
        reasons = [kill for kill in kills if kill.ends_session(this.label, pid)]
        if not reasons and not self.may_cut(this, orders, now):
            self.journal.violation("an upload was cut without a reason", **fine)

    def content(self, this, transfer):
        """The file's size, or None without one.  It must be a beginning of what was sent.  Removes it."""
        home = f"{self.host.place}/home/{this.user}"
        paths = [transfer.remote, f"{home}/{transfer.name}", f"{home}/{transfer.name}.part"]
        there = list(dict.fromkeys(path for path in paths if os.path.exists(path)))
        if len(there) > 1 or (transfer.told_ok and there != [transfer.remote]):
            self.journal.violation("not where it was told", round=this, there=there)
        return self.compare(this, transfer, there[0]) if there else None

    def compare(self, this, transfer, path):
        size = os.path.getsize(path)
        done = subprocess.run(
            [f"{self.host.support}/pattern", "prefix", path, str(transfer.size), str(transfer.seed)],
            capture_output=True,
        )
        if done.returncode == 0:
            os.remove(path)
        else:
            why = done.stdout.decode()
            self.journal.violation("wrong content", path=path, why=why, size=size, round=this)
        return size

    def verify_download(self, this, transfer):
        if transfer.local is not None and os.path.exists(transfer.local):
            size = self.compare(this, transfer, transfer.local)
            if transfer.told_ok and size != transfer.size:
                self.journal.violation("a download is not whole", size=size, transfer=transfer)
        elif transfer.local is not None and transfer.told_ok:
            self.journal.violation("a download is missing", transfer=transfer, round=this)
        if transfer.told_ok:
            self.journal.count("downloads complete")
        else:
            self.journal.count("downloads interrupted" if transfer.sent else "downloads not begun")

    def forbidden(self, this):
        """Whether nothing could begin: an order was in force from before the login to the end."""
        if self.policies[this.user].get("while_draining") == "admit":
            return False
        orders = self.journal.orders_over(this.user, this.began, this.ended)
        return any(order.holds_throughout(this.user, this.began, this.ended) for order in orders)

    def verify_commands(self, this, kills):
        """A command is nothing that an order ends; one that has not begun may have come too late."""
        for status, output in this.commands:
            lines = output.split()
            if status == 7 and lines[-2:] == ["begin", "end"]:
                self.journal.count("commands complete")
            elif "begin" in lines and not any(kill.ends_connection(this.label) for kill in kills):
                self.journal.violation("a command was cut", status=status, output=output, round=this)
            else:
                self.journal.count("commands not begun or killed")
